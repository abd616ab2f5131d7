#pragma once

#include "detector.h"
#include "image.h"

// Draws boxes and masks of scores from `least` on into the image.
void draw(const Detections& found, int32_t least, Image& image);
