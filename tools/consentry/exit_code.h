#ifndef CONSENTRY_TOOLS_CONSENTRY_EXIT_CODE_H_
#define CONSENTRY_TOOLS_CONSENTRY_EXIT_CODE_H_

namespace consentry::tools {

// What every command ends with; scripts may rely on it.
inline constexpr int kExitOk = 0;
// Something failed: no gateway, no disk, a fault.
inline constexpr int kExitError = 1;
// The answer is no: denied, invalid, not verified.
inline constexpr int kExitNo = 2;

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_EXIT_CODE_H_
