// What the headers of gcc 11 and newer call and libstdc++ of gcc 10 has not:
// wheels are linked with the latter, to run on older systems.

#include <new>

namespace std {

__attribute__((weak)) void __throw_bad_array_new_length() {
  throw bad_array_new_length();
}

}  // namespace std
