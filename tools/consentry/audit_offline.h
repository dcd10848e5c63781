#ifndef CONSENTRY_TOOLS_CONSENTRY_AUDIT_OFFLINE_H_
#define CONSENTRY_TOOLS_CONSENTRY_AUDIT_OFFLINE_H_

#include <cstdint>
#include <iosfwd>
#include <string>

namespace consentry::tools {

// `consentry audit verify | prove | verify-proof | export`: work on files
// alone; need no gateway, store or network, and change nothing but what they
// are told to write. Exit codes: 0 as it should be; 2 not as it should be; 1 it
// could not be found out.

struct AuditVerifyOptions {
  // Of a live log at rest, of a copy of one, or of an exported one.
  std::string folder;
  // The log's public key, "<name>+<key id>+<base64>", or a file that holds it.
  std::string key;
  // A file with a checkpoint of this log that was kept elsewhere; empty: none.
  std::string checkpoint_file;
  bool json = false;
};
// Prints whether the log is sound, and else every fault with its entry.
int RunAuditVerify(const AuditVerifyOptions& options, std::ostream& out,
                   std::ostream& err);

struct AuditProveOptions {
  std::string folder;
  uint64_t index = 0;
  // Where the proof goes, by custom *.tlog-proof; empty: standard output.
  std::string out_file;
};
// Writes a C2SP tlog-proof for one entry, with the entry inside.
int RunAuditProve(const AuditProveOptions& options, std::ostream& out,
                  std::ostream& err);

struct AuditVerifyProofOptions {
  std::string file;
  std::string key;  // As above.
  // What is to be proved, as raw bytes; empty: the entry inside the proof.
  std::string entry_file;
  bool json = false;
};
int RunAuditVerifyProof(const AuditVerifyProofOptions& options,
                        std::ostream& out, std::ostream& err);

struct AuditExportOptions {
  std::string folder;
  std::string out_folder;  // New or empty.
  bool json = false;
};
// Writes the entries under the newest checkpoint as C2SP tlog-tiles.
int RunAuditExport(const AuditExportOptions& options, std::ostream& out,
                   std::ostream& err);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_AUDIT_OFFLINE_H_
