#ifndef CONSENTRY_TESTS_E2E_TWO_VERIFIERS_H_
#define CONSENTRY_TESTS_E2E_TWO_VERIFIERS_H_

#include <string>

namespace consentry::testing {

// Two verifiers of the audit log that share no code: the one behind `consentry
// audit verify`, and tests/e2e/verify_log.py. Both answer in one form, such as
//
//   "exit 2, 40 entries, ok false, changed 7"
//
// with the first fault and the entry where it lies; nothing behind "ok true".

// Of a live log at rest or of an exported one. `checkpoint` is a file with one
// that was kept elsewhere; empty: none.
std::string OurVerdict(const std::string& folder, const std::string& vkey,
                       const std::string& checkpoint);

// Of an exported log.
bool HavePython();
std::string PythonsVerdict(const std::string& folder, const std::string& vkey,
                           const std::string& checkpoint);

// The last part of a verdict: "changed 7", "ok true".
std::string FaultOf(const std::string& verdict);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_E2E_TWO_VERIFIERS_H_
