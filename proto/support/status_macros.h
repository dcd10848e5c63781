#ifndef CONSENTRY_PROTO_SUPPORT_STATUS_MACROS_H_
#define CONSENTRY_PROTO_SUPPORT_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expr`, an absl::Status, is not OK.
#define CONSENTRY_RETURN_IF_ERROR(expr)                                       \
  do {                                                                        \
    if (::absl::Status consentry_status_ = (expr); !consentry_status_.ok()) { \
      return consentry_status_;                                               \
    }                                                                         \
  } while (false)

#define CONSENTRY_CONCAT_INNER_(a, b) a##b
#define CONSENTRY_CONCAT_(a, b) CONSENTRY_CONCAT_INNER_(a, b)

// CONSENTRY_ASSIGN_OR_RETURN(auto x, MakeX()): x is the value of an
// absl::StatusOr, or the enclosing function returns its status.
#define CONSENTRY_ASSIGN_OR_RETURN(lhs, expr) \
  CONSENTRY_ASSIGN_OR_RETURN_IMPL_(           \
      CONSENTRY_CONCAT_(consentry_statusor_, __LINE__), lhs, expr)
// Names of variables, which take no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define CONSENTRY_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                                     \
  if (!statusor.ok()) return std::move(statusor).status();    \
  lhs = *std::move(statusor)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // CONSENTRY_PROTO_SUPPORT_STATUS_MACROS_H_
