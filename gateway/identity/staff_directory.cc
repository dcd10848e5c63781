#include "gateway/identity/staff_directory.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "gateway/base/civil_day.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::identity {
namespace {

using store::v1::StaffEntry;

constexpr uint32_t kSchema = 1;
constexpr size_t kMostNoted = 4096;
constexpr char kSeen[] = "system.staff_seen";
constexpr char kForgotten[] = "system.staff_forgotten";

// Counted from January 1970.
int64_t MonthNumber(int64_t time_us) {
  const std::chrono::year_month_day day = base::DayOf(time_us);
  return (static_cast<int>(day.year()) - 1970) * 12 +
         static_cast<int>(static_cast<unsigned>(day.month())) - 1;
}

int64_t MonthStartUs(int64_t month) {
  const std::chrono::year_month_day first(
      std::chrono::year(static_cast<int>(1970 + month / 12)),
      std::chrono::month(static_cast<unsigned>(month % 12 + 1)),
      std::chrono::day(1));
  return int64_t{base::DayNumber(first)} * 24 * 3600 * 1'000'000;
}

crypto::SystemContext ContextOf(const crypto::ObjectId& person,
                                uint32_t row_generation) {
  return {.table = crypto::SystemTable::kStaff,
          .row = crypto::RowId(person),
          .field = "",
          .schema = kSchema,
          .row_generation = row_generation};
}

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

absl::Status Unknown() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "the directory knows nobody of this id, or has forgotten");
}

struct Row {
  StaffEntry entry;
  uint32_t row_generation = 0;
  int64_t due_month = 0;
};

// Generation 0: there is none.
absl::StatusOr<Row> ReadRow(store::Connection* connection,
                            const crypto::EpochKeys& keys,
                            const crypto::ObjectId& person) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "SELECT row_gen, due_month, entry FROM staff WHERE person = $1"));
  query.Bind(BytesOf(person));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  Row row;
  if (!found) return row;
  row.row_generation = static_cast<uint32_t>(query.Int64(0));
  row.due_month = query.Int64(1);
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::Plaintext plain,
      crypto::SystemSeal::Open(keys, ContextOf(person, row.row_generation),
                               query.Blob(2)));
  if (!row.entry.ParseFromArray(plain.view().data(),
                                static_cast<int>(plain.size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "an entry of the staff directory does not parse");
  }
  return row;
}

}  // namespace

StaffPseudonyms::StaffPseudonyms(const crypto::RootKey& root)
    : key_(root.Derive(crypto::KeyPurpose::kStaffPseudonyms)) {}

std::string StaffPseudonyms::Of(std::string_view issuer,
                                std::string_view login) const {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    text[i] = static_cast<char>(issuer.size() >> (8 * i) & 0xff);
  }
  text += issuer;
  text += login;
  std::array<uint8_t, 16> hash{};
  const auto key = key_.view();
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), key.data(), key.size());
  crypto::ObjectId id{};
  std::copy_n(hash.begin(), id.size(), id.begin());
  return crypto::FormatId(crypto::IdKind::kStaff, id);
}

store::Change StaffDirectory::ChangeFor(const std::string& person,
                                        const StaffEntry& seen) const {
  store::Change change;
  change.apply = [options = options_, person,
                  seen](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::ObjectId id,
                               crypto::ParseId(crypto::IdKind::kStaff, person));
    const auto keys = options.epochs->keys();
    // One that does not open any more is written anew.
    Row row;
    if (auto held = ReadRow(context.connection(), *keys, id); held.ok()) {
      row = *std::move(held);
    }
    StaffEntry entry = seen;
    entry.set_first_seen_us(
        row.row_generation == 0 ? context.now_us() : row.entry.first_seen_us());
    entry.set_last_seen_us(context.now_us());
    const uint32_t generation = row.row_generation + 1;
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string sealed,
        crypto::SystemSeal::Seal(*keys, ContextOf(id, generation),
                                 entry.SerializeAsString()));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto write, context.connection()->Prepare(
                        "INSERT INTO staff (person, row_gen, due_month, entry) "
                        "VALUES ($1, $2, $3, $4) ON CONFLICT (person) DO "
                        "UPDATE SET row_gen = excluded.row_gen, due_month = "
                        "excluded.due_month, entry = excluded.entry"));
    write.Bind(BytesOf(id), int64_t{generation},
               MonthNumber(context.now_us()) + options.retention_months,
               sealed);
    CONSENTRY_RETURN_IF_ERROR(write.Run());
    clients::CallerContext self;
    self.event = kSeen;
    self.context.set_acting_person(person);
    store::v1::Leaf leaf =
        clients::LeafOf(*options.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return change;
}

void StaffDirectory::Forget(const std::string& person) {
  MutexLock lock(&mu_);
  noted_.erase(person);
}

void StaffDirectory::Note(const std::string& person, const StaffEntry& seen,
                          int64_t now_us) {
  const std::string mark = clients::Sha256(seen.SerializeAsString() +
                                           std::to_string(MonthNumber(now_us)));
  {
    MutexLock lock(&mu_);
    if (noted_.size() >= kMostNoted) noted_.clear();
    std::string& noted = noted_[person];
    if (noted == mark) return;
    noted = mark;
  }
  store::Change change = ChangeFor(person, seen);
  options_.committer->CommitChange(
      std::move(change), [this, person](const store::ChangeOutcome& outcome) {
        if (!outcome.status.ok()) Forget(person);
      });
}

absl::StatusOr<v1::StaffMember> StaffDirectory::Find(
    store::Connection* connection, const std::string& person) const {
  const auto id = crypto::ParseId(crypto::IdKind::kStaff, person);
  if (!id.ok()) return Unknown();
  CONSENTRY_ASSIGN_OR_RETURN(
      const Row row, ReadRow(connection, *options_.epochs->keys(), *id));
  if (row.row_generation == 0) return Unknown();
  v1::StaffMember member;
  member.set_acting_person(person);
  member.set_issuer(row.entry.issuer());
  member.set_login(row.entry.login());
  member.set_name(row.entry.name());
  member.set_email(row.entry.email());
  SetTime(row.entry.first_seen_us(), member.mutable_first_seen_time());
  SetTime(row.entry.last_seen_us(), member.mutable_last_seen_time());
  SetTime(MonthStartUs(row.due_month + 1), member.mutable_forget_time());
  return member;
}

absl::Status StaffDirectory::Sweep(store::Connection* reader, int64_t now_us) {
  const int64_t month = MonthNumber(now_us);
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        reader->Prepare("SELECT 1 FROM staff WHERE due_month < $1 LIMIT 1"));
    query.Bind(month);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return absl::OkStatus();
  }
  store::Change change;
  change.apply = [options = options_,
                  month](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(auto gone,
                               context.connection()->Prepare(
                                   "DELETE FROM staff WHERE due_month < $1"));
    gone.Bind(month);
    CONSENTRY_RETURN_IF_ERROR(gone.Run());
    clients::CallerContext self;
    self.event = kForgotten;
    store::v1::Leaf leaf =
        clients::LeafOf(*options.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("entries=" +
                     std::to_string(context.connection()->Changes()));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  {
    MutexLock lock(&mu_);
    noted_.clear();
  }
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

}  // namespace consentry::identity
