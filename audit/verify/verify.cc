#include "audit/verify/verify.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "audit/log/checkpoint.h"
#include "audit/log/checkpoint_store.h"
#include "audit/log/format.h"
#include "audit/log/segment.h"
#include "audit/log/tile.h"
#include "audit/merkle/compact_range.h"
#include "audit/verify/diff.h"
#include "audit/verify/exported_folder.h"
#include "audit/verify/segment_walk.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr std::string_view kGiven = "checkpoint given";
constexpr uint64_t kProgressEvery = 65536;

// A checkpoint whose signature holds.
struct Anchor {
  Checkpoint checkpoint;
  bool given = false;
};

class Verifier {
 public:
  Verifier(FileSystem* fs, std::string_view folder,
           const VerifyOptions& options, bool exported)
      : fs_(fs), folder_(folder), options_(options), exported_(exported) {}

  absl::StatusOr<VerifyReport> Run() {
    CONSENTRY_RETURN_IF_ERROR(FindAnchors());
    CONSENTRY_RETURN_IF_ERROR(ReadEntries());
    if (Hold(/*given=*/true) && Hold(/*given=*/false)) {
      CONSENTRY_RETURN_IF_ERROR(AllHold());
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hash> stored, StoredLeaves());
      if (IsAnotherHistory(stored)) {
        const uint64_t size = given_->checkpoint.size;
        Add(Fault::kRewound, size > report_.entries ? report_.entries : 0, 0,
            kGiven);
      } else {
        CONSENTRY_RETURN_IF_ERROR(Blame(std::move(stored)));
      }
    }
    return std::move(report_);
  }

 private:
  void Add(Fault fault, uint64_t index, uint64_t count,
           std::string_view where) {
    report_.Add({fault, index, count, std::string(where)});
  }

  // -- Checkpoints

  absl::Status FindAnchors() {
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> notes,
                               CheckpointStore::ReadAll(fs_, folder_));
    for (const std::string& note : notes) {
      AddAnchor(note, /*given=*/false, kCheckpointName);
    }
    if (options_.checkpoint.has_value()) {
      AddAnchor(*options_.checkpoint, /*given=*/true, kGiven);
    }
    std::stable_sort(anchors_.begin(), anchors_.end(),
                     [](const Anchor& a, const Anchor& b) {
                       return a.checkpoint.size < b.checkpoint.size;
                     });
    for (const Anchor& anchor : anchors_) {
      (anchor.given ? given_ : newest_own_) = &anchor;
    }
    return absl::OkStatus();
  }

  void AddAnchor(const std::string& bytes, bool given, std::string_view where) {
    const absl::StatusOr<ParsedCheckpoint> parsed = ParseCheckpointNote(bytes);
    if (!parsed.ok()) {
      return Add(Fault::kMalformedCheckpoint, 0, 0, where);
    }
    switch (CheckNote(parsed->note, {&options_.key, 1})) {
      case NoteTrust::kBadSignature:
        return Add(Fault::kBadSignature, 0, 0, where);
      case NoteTrust::kUnknownKey:
        return Add(Fault::kUnknownKey, 0, 0, where);
      case NoteTrust::kVerified:
        break;
    }
    if (parsed->checkpoint.origin != options_.key.name()) {
      return Add(Fault::kOtherLog, 0, 0, where);
    }
    anchors_.push_back({parsed->checkpoint, given});
  }

  uint64_t LargestAnchor() const {
    return anchors_.empty() ? 0 : anchors_.back().checkpoint.size;
  }

  // -- Entries

  absl::Status ForEachEntry(
      absl::FunctionRef<void(std::string_view entry)> on_entry) {
    if (exported_) {
      return ExportedFolder(fs_, folder_)
          .ForEachEntry(LargestAnchor(), on_entry);
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        walk_, WalkSegments(fs_, folder_, Sha256({options_.key.name()}),
                            LargestAnchor(), on_entry));
    return absl::OkStatus();
  }

  // One pass: the roots at the sizes that were signed.
  absl::Status ReadEntries() {
    CompactRange range;
    size_t next = 0;
    const auto note_roots = [&] {
      for (; next < anchors_.size() &&
             anchors_[next].checkpoint.size == range.size();
           ++next) {
        roots_[range.size()] = range.Root();
      }
    };
    note_roots();
    CONSENTRY_RETURN_IF_ERROR(ForEachEntry([&](std::string_view entry) {
      const Hash leaf = LeafHash(entry);
      if (exported_) leaves_.push_back(leaf);
      range.Append(leaf);
      note_roots();
      if (options_.progress && range.size() % kProgressEvery == 0) {
        options_.progress(range.size());
      }
    }));
    report_.entries = range.size();
    report_.root = range.Root();
    report_.unfinished_bytes = walk_.unfinished_bytes;
    return absl::OkStatus();
  }

  bool Holds(const Checkpoint& checkpoint) const {
    const auto root = roots_.find(checkpoint.size);
    return root != roots_.end() && root->second == checkpoint.root;
  }

  bool Hold(bool given) const {
    return std::all_of(anchors_.begin(), anchors_.end(), [&](const Anchor& a) {
      return a.given != given || Holds(a.checkpoint);
    });
  }

  // -- Judgement

  // Every checkpoint holds: what is left are damages that change no entry, and
  // entries behind the newest checkpoint.
  absl::Status AllHold() {
    if (anchors_.empty()) {
      if (report_.findings.empty() && (report_.entries > 0 || exported_)) {
        Add(Fault::kMissingCheckpoint, 0, 0, kCheckpointName);
      }
    } else {
      report_.checkpoint = anchors_.back().checkpoint;
      report_.signed_size = LargestAnchor();
    }
    for (const Finding& finding : walk_.findings) {
      Finding shown = finding;
      if (finding.fault != Fault::kOtherLog &&
          finding.index + finding.count <= report_.signed_size) {
        shown.fault = Fault::kBadFrame;
      }
      report_.Add(std::move(shown));
    }
    if (exported_ && anchors_.empty()) return absl::OkStatus();
    if (exported_ && report_.entries > report_.signed_size) {
      const auto reference = std::span<const Hash>(leaves_).first(
          static_cast<size_t>(report_.signed_size));
      for (Finding& finding : CompareLeaves(leaves_, reference)) {
        report_.Add(std::move(finding));
      }
    }
    return exported_ ? CheckTiles() : CheckTree();
  }

  // Whether the log agrees with itself throughout, and not with what was once
  // signed for it.
  bool IsAnotherHistory(const std::vector<Hash>& stored) const {
    return newest_own_ != nullptr && Hold(/*given=*/false) &&
           walk_.findings.empty() &&
           CompareRoots(stored).At(given_->checkpoint.size) !=
               given_->checkpoint.root;
  }

  // A checkpoint does not hold. Hashes of the leaves that lie there tell which
  // entry it is, where a signed root vouches for them.
  absl::Status Blame(std::vector<Hash> reference) {
    const uint64_t vouched = Vouched(reference);
    if (vouched > 0 && !Intact(vouched)) {
      reference.resize(static_cast<size_t>(vouched));
      CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hash> standing,
                                 LeavesBelow(report_.entries));
      for (Finding& finding :
           CompareLeaves(standing, reference, /*open_end=*/!exported_)) {
        report_.Add(std::move(finding));
      }
      return absl::OkStatus();
    }
    // Without them, what the frames say, or between which signed sizes it is.
    for (const Finding& finding : walk_.findings) report_.Add(finding);
    uint64_t good = 0;
    for (const Anchor& anchor : anchors_) {
      const uint64_t size = anchor.checkpoint.size;
      if (Holds(anchor.checkpoint)) {
        good = std::max(good, size);
      } else if (size > report_.entries) {
        if (walk_.findings.empty()) {
          Add(Fault::kTailCut, report_.entries, size - report_.entries,
              anchor.given ? kGiven : kCheckpointName);
        }
        break;
      } else {
        if (walk_.findings.empty()) {
          Add(Fault::kRootMismatch, good, size - good,
              anchor.given ? kGiven : kCheckpointName);
        }
        break;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Hash>> StoredLeaves() {
    if (exported_) {
      return ExportedFolder(fs_, folder_).LeafHashes(LargestAnchor());
    }
    std::vector<Hash> hashes;
    const std::string path = folder_ + "/" + std::string(kTreeFolder) + "/0";
    CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs_->Exists(path));
    if (!exists) return hashes;
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs_->Open(path, FileSystem::Mode::kRead));
    constexpr size_t kStep = 32768;
    while (hashes.size() < LargestAnchor()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const std::string bytes,
          file->ReadAt(hashes.size() * kHashSize, kStep * kHashSize));
      const size_t before = hashes.size();
      for (size_t at = 0; at + kHashSize <= bytes.size(); at += kHashSize) {
        hashes.push_back(
            *HashFromBytes(std::string_view(bytes).substr(at, kHashSize)));
      }
      if (hashes.size() == before) break;
    }
    return hashes;
  }

  // The largest signed size whose root those hashes have; 0 where there is
  // none.
  uint64_t Vouched(const std::vector<Hash>& hashes) const {
    CompareRoots roots(hashes);
    uint64_t vouched = 0;
    for (const Anchor& anchor : anchors_) {
      if (roots.At(anchor.checkpoint.size) == anchor.checkpoint.root) {
        vouched = anchor.checkpoint.size;
      }
    }
    return vouched;
  }

  // Whether the entries below `size` are those signed at that size.
  bool Intact(uint64_t size) const {
    return std::any_of(anchors_.begin(), anchors_.end(), [&](const Anchor& a) {
      return a.checkpoint.size == size && Holds(a.checkpoint);
    });
  }

  // Roots of growing sizes.
  class CompareRoots {
   public:
    explicit CompareRoots(const std::vector<Hash>& hashes) : hashes_(hashes) {}
    std::optional<Hash> At(uint64_t size) {
      if (size > hashes_.size()) return std::nullopt;
      while (range_.size() < size) {
        range_.Append(hashes_[static_cast<size_t>(range_.size())]);
      }
      return range_.Root();
    }

   private:
    const std::vector<Hash>& hashes_;
    CompactRange range_;
  };

  // -- Stored hashes, where the entries are as signed

  // Compares the tiles of all levels with those made from the entries.
  absl::Status CheckTiles() {
    const uint64_t size = report_.signed_size;
    CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hash> row, LeavesBelow(size));
    const ExportedFolder folder(fs_, folder_);
    for (int level = 0; !row.empty(); ++level) {
      std::vector<Hash> above;
      for (uint64_t begin = 0; begin < row.size(); begin += kTileWidth) {
        const size_t width = static_cast<size_t>(
            std::min<uint64_t>(kTileWidth, row.size() - begin));
        const TileName name{level, begin / kTileWidth,
                            static_cast<uint32_t>(width)};
        std::string expected;
        for (size_t i = 0; i < width; ++i) {
          expected.append(AsView(row[static_cast<size_t>(begin) + i]));
        }
        CONSENTRY_ASSIGN_OR_RETURN(const std::optional<std::string> tile,
                                   folder.Read(name));
        if (tile != expected) {
          Add(Fault::kBadTile, begin << (level * kTileHeight), 0,
              TilePath(name));
        }
        if (width == kTileWidth) {
          const auto first = row.begin() + static_cast<long>(begin);
          above.push_back(RootOfPerfect({first, first + kTileWidth}));
        }
      }
      row = std::move(above);
    }
    return absl::OkStatus();
  }

  // The leaf hashes that the gateway's tree keeps. It may be behind the log.
  absl::Status CheckTree() {
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hash> stored, StoredLeaves());
    if (stored.empty()) return absl::OkStatus();
    const uint64_t size =
        std::min<uint64_t>(stored.size(), report_.signed_size);
    if (CompareRoots(stored).At(report_.signed_size) ==
        (report_.checkpoint.has_value()
             ? std::optional<Hash>(report_.checkpoint->root)
             : std::nullopt)) {
      return absl::OkStatus();
    }
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hash> leaves,
                               LeavesBelow(size));
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (leaves[i] == stored[i]) continue;
      Add(Fault::kBadTile, i, 0, std::string(kTreeFolder) + "/0");
      break;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Hash>> LeavesBelow(uint64_t size) {
    std::vector<Hash> leaves;
    if (exported_) {
      leaves = leaves_;
      leaves.resize(std::min<size_t>(leaves.size(), static_cast<size_t>(size)));
      return leaves;
    }
    CONSENTRY_RETURN_IF_ERROR(ForEachEntry([&](std::string_view entry) {
      if (leaves.size() < size) leaves.push_back(LeafHash(entry));
    }));
    return leaves;
  }

  FileSystem* const fs_;
  const std::string folder_;
  const VerifyOptions& options_;
  const bool exported_;

  VerifyReport report_;
  std::vector<Anchor> anchors_;  // By size.
  const Anchor* given_ = nullptr;
  const Anchor* newest_own_ = nullptr;
  std::map<uint64_t, Hash> roots_;
  std::vector<Hash> leaves_;  // Of an exported folder: its tiles need them.
  SegmentWalk walk_;
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(FileSystem* fs, std::string_view folder,
                                    const VerifyOptions& options) {
  const std::string name(folder);
  CONSENTRY_ASSIGN_OR_RETURN(const bool live,
                             fs->Exists(SegmentFolderOf(folder)));
  if (live) return Verifier(fs, folder, options, /*exported=*/false).Run();
  CONSENTRY_ASSIGN_OR_RETURN(const bool tiles, fs->Exists(name + "/tile"));
  CONSENTRY_ASSIGN_OR_RETURN(
      const bool checkpoint,
      fs->Exists(name + "/" + std::string(kCheckpointName)));
  if (tiles || checkpoint) {
    return Verifier(fs, folder, options, /*exported=*/true).Run();
  }
  return absl::NotFoundError(name + " holds no audit log, live or exported");
}

}  // namespace consentry::audit
