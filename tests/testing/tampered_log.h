#ifndef CONSENTRY_TESTS_TESTING_TAMPERED_LOG_H_
#define CONSENTRY_TESTS_TESTING_TAMPERED_LOG_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/io/file.h"
#include "audit/log/note.h"
#include "audit/log/signer.h"
#include "audit/verify/findings.h"

namespace consentry::testing {

// Logs for verifiers, whole and tampered with. Everything aborts the program
// when it cannot do what it is told.

using Entries = std::vector<std::string>;

inline constexpr char kTestOrigin[] = "consentry.example/log";

std::unique_ptr<audit::SkeySigner> TestSigner();
audit::NoteVerifier TestVerifier();

// `n` entries of different lengths, none equal.
Entries SomeEntries(size_t n);

// A live log in `folder`, closed in order, in batches of three entries, and a
// checkpoint after each half of them. Segments of 64 KiB.
void BuildLog(audit::FileSystem* fs, const std::string& folder,
              const Entries& entries);

// The same with an own segment size; no spare segment is made ahead.
void BuildLog(audit::FileSystem* fs, const std::string& folder,
              const Entries& entries, uint64_t segment_bytes);

// Exports the log in `folder` to `out`.
void Export(audit::FileSystem* fs, const std::string& folder,
            const std::string& out);

// Puts these entries in the place of those of a live log, in segments that
// chain without a fault; tree and checkpoints stay.
void ForgeSegments(audit::FileSystem* fs, const std::string& folder,
                   const Entries& entries,
                   const std::string& origin = kTestOrigin);

// Puts these entries in the place of those of an exported folder; tiles and
// checkpoint stay.
void ForgeBundles(audit::FileSystem* fs, const std::string& folder,
                  const Entries& entries);

// Copies every file below `from` to the new folder `to`, without a sync.
void CopyFolder(audit::FileSystem* fs, const std::string& from,
                const std::string& to);
void CopyFolder(audit::FileSystem* from_fs, const std::string& from,
                audit::FileSystem* to_fs, const std::string& to);

// Something done to entries, and what it is to be called.
struct Tampering {
  std::string name;
  std::function<void(Entries*)> apply;
  audit::Fault fault;
  uint64_t index;
};
// One of each kind, at places that fit any log of at least 20 entries, and at
// the ends.
std::vector<Tampering> Tamperings(size_t size);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_TAMPERED_LOG_H_
