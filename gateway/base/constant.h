#ifndef CONSENTRY_GATEWAY_BASE_CONSTANT_H_
#define CONSENTRY_GATEWAY_BASE_CONSTANT_H_

#include <string_view>

namespace consentry::base {

// Text known when the program is compiled: what cannot hold anybody's data.
class Constant {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval Constant(const char* text) : text_(text) {}
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_CONSTANT_H_
