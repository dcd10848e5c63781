#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENING_ROWS_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENING_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"

namespace consentry::screening {

inline constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
inline constexpr int64_t kUsPerDay = 24 * kUsPerHour;

// What stands for a name in clear. Keyed, so that a name cannot be guessed from
// it. Safe for many threads.
class ScreeningKeys {
 public:
  // `digests` outlives the object.
  explicit ScreeningKeys(const crypto::RequestDigests* digests)
      : digests_(digests) {}

  // Of the engine's own id of an output. 32 bytes.
  std::string Output(std::string_view client_id,
                     std::string_view output_id) const;
  // Of all that an output says, and to whom. 32 bytes.
  std::string Request(uint64_t subject,
                      const v1::ScreenOutputRequest& request) const;
  std::string Outcome(std::string_view output_key,
                      const v1::Outcome& outcome) const;
  int64_t Model(std::string_view model) const;
  int64_t Item(std::string_view item) const;
  int64_t Place(std::string_view place) const;
  // Of purpose and channel.
  int64_t Way(std::string_view purpose, int channel) const;

 private:
  std::string Of(std::string_view what,
                 std::initializer_list<std::string_view> parts) const;
  int64_t NumberOf(std::string_view what,
                   std::initializer_list<std::string_view> parts) const;

  const crypto::RequestDigests* const digests_;
};

// One screened output as it lies in the store.
struct ScreeningRow {
  int64_t no = 0;
  crypto::ObjectId id{};
  std::string output_key;
  std::string request_hash;
  // 0: nobody was found.
  uint64_t subject = 0;
  uint32_t row_generation = 1;
  store::v1::ScreeningDoc doc;
  // Sealed; empty where it was not asked for.
  std::string output;
};

// Which screenings a list holds.
struct ScreeningFilter {
  std::optional<uint64_t> subject;
  // Empty: all.
  std::string model;
  // Of one subject alone. Empty: all.
  std::string item;
  // With an item: whose price was counted last on this day or later, in days
  // since the epoch. 0: all.
  int64_t counted_day = 0;
  // 0: all.
  int verdict = 0;
  // Hours since the epoch, first inclusive, end exclusive. 0: all.
  int64_t first_hour = 0;
  int64_t end_hour = 0;
};

// Rows of screenings. Sealed under the key of the subject, or under a system
// key where there is none. Writing needs the committer's connection inside of a
// change. Errors: NOT_FOUND, DATA_CORRUPT, those of the store. Safe for many
// threads, each with a connection of its own.
class ScreeningRows {
 public:
  // All outlive the object.
  ScreeningRows(const crypto::SlotFile* slots, const crypto::EpochFile* epochs,
                const ScreeningKeys* keys)
      : slots_(slots), epochs_(epochs), keys_(keys) {}

  // Seals what the customer would read, for a row with this id and generation.
  // Takes microseconds for each KiB: before the change, not in it. `keys` is
  // null for nobody.
  absl::StatusOr<std::string> SealOutput(
      const crypto::SubjectKeys* keys, const crypto::ObjectId& id,
      uint32_t row_generation, const store::v1::ScreenedOutput& output) const;

  // `row.output` is sealed. `keys` is null for nobody. AlreadyExists when the
  // client used the id of the output before.
  absl::Status Insert(store::Connection* connection,
                      const crypto::SubjectKeys* keys,
                      const ScreeningRow& row) const;
  // Under a new row generation; with `output`, that too, else as it was.
  absl::Status Update(store::Connection* connection, ScreeningRow* row,
                      const store::v1::ScreenedOutput& output) const;

  absl::StatusOr<ScreeningRow> Read(store::Connection* connection,
                                    const crypto::ObjectId& id) const;
  absl::StatusOr<ScreeningRow> ReadByNumber(store::Connection* connection,
                                            int64_t no) const;
  // nullopt: there is none.
  absl::StatusOr<std::optional<ScreeningRow>> FindByOutput(
      store::Connection* connection, std::string_view output_key) const;
  // Newest first, below `before` (0: from the newest), without outputs. Rows
  // whose subject's keys are gone are left out. `last`: number of the last row
  // that was looked at; 0: the end.
  absl::StatusOr<std::vector<ScreeningRow>> List(store::Connection* connection,
                                                 const ScreeningFilter& filter,
                                                 int64_t before, size_t limit,
                                                 int64_t* last) const;

  // Rows that a walk passes over.
  struct NotWalked {
    // Of customers whose keys are gone.
    int64_t erased = 0;
    // What does not open.
    int64_t corrupt = 0;
  };
  // Of one model, oldest first, above `after`, with outputs; hours as in a
  // filter. Adds to `not_walked`. Else as List.
  absl::StatusOr<std::vector<ScreeningRow>> Walk(
      store::Connection* connection, std::string_view model, int64_t first_hour,
      int64_t end_hour, int64_t after, size_t limit, int64_t* last,
      NotWalked* not_walked) const;

  // Opens the output of a row that was read with it. Of nobody's row nothing is
  // opened: NOT_FOUND.
  absl::StatusOr<store::v1::ScreenedOutput> OpenOutput(
      const crypto::Grant& grant, const ScreeningRow& row) const;

  const ScreeningKeys& keys() const { return *keys_; }
  const crypto::SlotFile& slots() const { return *slots_; }
  const crypto::EpochFile& epochs() const { return *epochs_; }

 private:
  absl::StatusOr<std::string> SealDoc(const crypto::SubjectKeys* keys,
                                      const ScreeningRow& row) const;
  absl::Status OpenDoc(std::string_view sealed, ScreeningRow* row) const;
  absl::Status Take(const store::Query& query, ScreeningRow* row) const;

  const crypto::SlotFile* const slots_;
  const crypto::EpochFile* const epochs_;
  const ScreeningKeys* const keys_;
};

// Stored bytes that do not open: DATA_CORRUPT.
absl::Status CorruptScreening();

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENING_ROWS_H_
