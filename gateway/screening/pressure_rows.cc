#include "gateway/screening/pressure_rows.h"

#include <optional>
#include <string>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/screening/screening_rows.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;

crypto::FactContext ContextOf(uint64_t subject, int64_t generation) {
  return {crypto::FactTable::kPressure, subject, "", kSchema,
          static_cast<uint32_t>(generation)};
}

struct Row {
  int64_t generation = 0;
  conduct::ContactHistory history;
};

absl::StatusOr<Row> ReadRow(store::Connection* connection,
                            const crypto::SubjectKeys& keys) {
  Row row;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "SELECT row_gen, state FROM pressure WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(keys.subject()));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return row;
  row.generation = query.Int64(0);
  const auto opened = crypto::FactOpener::Open(
      keys, ContextOf(keys.subject(), row.generation), query.Blob(1));
  store::v1::PressureState state;
  if (!opened.ok() || !state.ParseFromArray(opened->view().data(),
                                            static_cast<int>(opened->size()))) {
    return CorruptScreening();
  }
  for (const auto& contact : state.contacts()) {
    row.history.contacts.push_back(ContactOf(contact));
  }
  for (const auto& refusal : state.refusals()) {
    row.history.refusals.push_back(
        {refusal.time_us(), refusal.purpose(),
         static_cast<policy::Channel>(refusal.channel())});
  }
  return row;
}

absl::Status WriteRow(store::Connection* connection,
                      const crypto::SubjectKeys& keys, int64_t now_us,
                      Row row) {
  store::v1::PressureState state;
  for (const conduct::Contact& contact : row.history.contacts) {
    *state.add_contacts() = StoredContact(contact);
  }
  for (const conduct::Refusal& refusal : row.history.refusals) {
    auto* stored = state.add_refusals();
    stored->set_time_us(refusal.time_us);
    stored->set_purpose(refusal.purpose);
    stored->set_channel(refusal.channel);
  }
  ++row.generation;
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::Sealer::Seal(keys, ContextOf(keys.subject(), row.generation),
                           state.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO pressure (subject, row_gen, hour, state) VALUES ($1, "
          "$2, $3, $4) ON CONFLICT (subject) DO UPDATE SET row_gen = "
          "excluded.row_gen, hour = excluded.hour, state = excluded.state"));
  query.Bind(static_cast<int64_t>(keys.subject()), row.generation,
             now_us / kUsPerHour, sealed);
  return query.Run();
}

}  // namespace

store::v1::PressureContact StoredContact(const conduct::Contact& contact) {
  store::v1::PressureContact stored;
  stored.set_time_us(contact.time_us);
  stored.set_decided_us(contact.decided_us);
  stored.set_purpose(contact.purpose);
  stored.set_purpose_class(contact.purpose_class);
  stored.set_channel(contact.channel);
  stored.set_pressing(contact.pressing);
  return stored;
}

conduct::Contact ContactOf(const store::v1::PressureContact& stored) {
  conduct::Contact contact;
  contact.time_us = stored.time_us();
  contact.decided_us = stored.decided_us();
  contact.purpose = stored.purpose();
  contact.purpose_class =
      static_cast<policy::PurposeClass>(stored.purpose_class());
  contact.channel = static_cast<policy::Channel>(stored.channel());
  contact.pressing = stored.pressing();
  return contact;
}

absl::StatusOr<Pressure> PressureRows::Read(store::Connection* connection,
                                            Members members) {
  Pressure pressure;
  for (const auto& member : members) {
    CONSENTRY_ASSIGN_OR_RETURN(Row row, ReadRow(connection, member->keys()));
    pressure.generations.push_back(row.generation);
    auto& history = pressure.history;
    history.contacts.insert(history.contacts.end(),
                            row.history.contacts.begin(),
                            row.history.contacts.end());
    history.refusals.insert(history.refusals.end(),
                            row.history.refusals.begin(),
                            row.history.refusals.end());
  }
  return pressure;
}

absl::StatusOr<bool> PressureRows::IsCurrent(store::Connection* connection,
                                             Members members,
                                             const Pressure& read) {
  for (size_t i = 0; i < members.size(); ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT row_gen FROM pressure WHERE subject = $1"));
    query.Bind(static_cast<int64_t>(members[i]->subject()));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if ((found ? query.Int64(0) : 0) != read.generations[i]) return false;
  }
  return true;
}

absl::Status PressureRows::Add(store::Connection* connection,
                               const crypto::SubjectKeys& keys,
                               const conduct::Rulebook& rules,
                               const conduct::Contact& contact) {
  CONSENTRY_ASSIGN_OR_RETURN(Row row, ReadRow(connection, keys));
  conduct::Record(rules, contact, &row.history);
  return WriteRow(connection, keys, contact.decided_us, std::move(row));
}

absl::Status PressureRows::Add(store::Connection* connection,
                               const crypto::SubjectKeys& keys,
                               const conduct::Refusal& refusal,
                               int64_t now_us) {
  CONSENTRY_ASSIGN_OR_RETURN(Row row, ReadRow(connection, keys));
  conduct::Record(refusal, &row.history);
  return WriteRow(connection, keys, now_us, std::move(row));
}

}  // namespace consentry::screening
