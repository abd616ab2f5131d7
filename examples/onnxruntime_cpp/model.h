#pragma once

#include <string>

#include <nlohmann/json.hpp>
#include <onnxruntime_cxx_api.h>

// What the file says about itself; throws std::runtime_error if it says
// nothing.
nlohmann::json description(const Ort::Session& session);

// Of a session: with the kernels of IPTQ-MM, which give the same integers
// faster, if `library` is not empty.
Ort::SessionOptions session_options(const std::string& library);
