// Shifted windows as index arithmetic: what window.py does by copies.
#pragma once

#include <cstdint>

namespace iptq {

// The windows of a batch of images, numbered as `window_partition` does.
class Windows {
 public:
  Windows(int64_t height, int64_t width, int64_t window, int64_t shift)
      : height_(height), width_(width), window_(window), shift_(shift),
        rows_((height + window - 1) / window),
        columns_((width + window - 1) / window) {}

  int64_t per_image() const { return rows_ * columns_; }

  // Calls visit(token, row, column) for each token of a window, with the
  // place it had before the shift; beyond the image for padding.
  template <class Visit>
  void each_token(int64_t number, const Visit& visit) const {
    const int64_t top = number / columns_ % rows_ * window_;
    const int64_t left = number % columns_ * window_;
    for (int64_t i = 0; i < window_; ++i)
      for (int64_t j = 0; j < window_; ++j)
        visit(i * window_ + j, (top + i + shift_) % (rows_ * window_),
              (left + j + shift_) % (columns_ * window_));
  }

  bool inside(int64_t row, int64_t column) const {
    return row < height_ && column < width_;
  }

  // Only windows of the last row or column hold more than one region.
  bool has_regions(int64_t number) const {
    return shift_ && (number / columns_ % rows_ == rows_ - 1 ||
                      number % columns_ == columns_ - 1);
  }

  // `shift_regions` of the reference, by the place before the shift: there
  // the last region is the part that the shift brought round.
  int32_t region(int64_t number, int64_t row, int64_t column) const {
    const bool last_row = number / columns_ % rows_ == rows_ - 1;
    const bool last_column = number % columns_ == columns_ - 1;
    return (last_row + (last_row && row < shift_)) * 3 + last_column +
           (last_column && column < shift_);
  }

 private:
  int64_t height_, width_, window_, shift_, rows_, columns_;
};

}  // namespace iptq
