#include "model.h"

#include <stdexcept>

nlohmann::json description(const Ort::Session& session) {
  Ort::AllocatorWithDefaultOptions allocator;
  const Ort::ModelMetadata metadata = session.GetModelMetadata();
  const auto text =
      metadata.LookupCustomMetadataMapAllocated("iptq_mm", allocator);
  if (!text) {
    throw std::runtime_error(
        "the file has no metadata iptq_mm: write it with tools/export.py");
  }
  return nlohmann::json::parse(text.get());
}

Ort::SessionOptions session_options(const std::string& library) {
  Ort::SessionOptions options;
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_ERROR);
  if (!library.empty()) options.RegisterCustomOpsLibrary(library.c_str());
  return options;
}
