#include "gateway/upkeep/retention_rules.h"

#include <sodium.h>

#include <algorithm>

#include "consentry/v1/common.pb.h"
#include "gateway/vault/due_month.h"
#include "gateway/vault/field_number.h"
#include "policy/engine/civil.h"

namespace consentry::upkeep {
namespace {

// "US" stands for all of it, its parts included.
bool Covers(std::string_view place, std::string_view part) {
  return part == place ||
         (part.size() > place.size() && part.substr(0, place.size()) == place &&
          part[place.size()] == '-');
}

std::string IdentifierName(int32_t type, std::string_view name_space) {
  switch (type) {
    case v1::IDENTIFIER_TYPE_EMAIL:
      return "email";
    case v1::IDENTIFIER_TYPE_PHONE:
      return "phone";
    case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
      return "external_id";
    default:
      return std::string(name_space);
  }
}

// What was collected at no time that can be is not kept on.
int64_t EndUs(int64_t collected_us, uint32_t months) {
  if (collected_us < 0 || collected_us >= policy::kMaxTimeUs) return 0;
  return policy::AddMonths(collected_us, months);
}

}  // namespace

RetentionRules::RetentionRules(const policy::Bundle& bundle, int64_t time_us) {
  std::string words;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const auto id = static_cast<policy::FieldId>(i);
    Field field;
    field.name = bundle.field_name(id);
    field.months = bundle.KeptMonths(id, time_us);
    field.grounds.assign(bundle.field(id).keep().begin(),
                         bundle.field(id).keep().end());
    const auto [kind, first] = kinds_.emplace(
        field.name.substr(0, field.name.find('.')), field.months);
    kind->second = std::min(kind->second, field.months);
    words += field.name + "=" + std::to_string(field.months);
    for (const auto& ground : field.grounds) {
      words += "," + std::to_string(ground.months());
      for (const auto& place : ground.jurisdictions()) words += "@" + place;
    }
    words += "\n";
    const uint32_t number = vault::FieldNumber(field.name);
    numbers_[field.name] = number;
    fields_.emplace(number, std::move(field));
  }
  for (const auto& type : bundle.catalog().identifiers()) {
    const auto found = numbers_.find(type.field());
    if (found != numbers_.end()) identifiers_[type.key()] = found->second;
  }
  const config::v1::ControllerProfile& profile = bundle.profile();
  places_.push_back(profile.home());
  places_.insert(places_.end(), profile.establishments().begin(),
                 profile.establishments().end());
  for (const std::string& place : places_) words += place + "\n";
  digest_.resize(32);
  crypto_generichash_blake2b(
      reinterpret_cast<uint8_t*>(digest_.data()), digest_.size(),
      reinterpret_cast<const uint8_t*>(words.data()), words.size(), nullptr, 0);
}

const RetentionRules::Field* RetentionRules::Find(uint32_t number) const {
  const auto found = fields_.find(number);
  return found == fields_.end() ? nullptr : &found->second;
}

const RetentionRules::Field* RetentionRules::Find(std::string_view name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? nullptr : Find(found->second);
}

uint32_t RetentionRules::MonthsOfKind(std::string_view kind) const {
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? 0 : found->second;
}

uint32_t RetentionRules::KeptByGround(
    const Field& field, const store::v1::SubjectHead& head) const {
  uint32_t months = 0;
  for (const config::v1::KeepGround& ground : field.grounds) {
    bool holds = ground.jurisdictions().empty();
    for (const std::string& where : ground.jurisdictions()) {
      holds |= std::any_of(
          places_.begin(), places_.end(),
          [&](const std::string& place) { return Covers(where, place); });
      holds |= std::any_of(head.residences().begin(), head.residences().end(),
                           [&](const store::v1::SourcedText& residence) {
                             return Covers(where, residence.value());
                           });
    }
    if (holds) months = std::max(months, ground.months());
  }
  return months;
}

const RetentionRules::Field* RetentionRules::FieldOfIdentifier(
    int32_t type, std::string_view name_space) const {
  const auto found = identifiers_.find(IdentifierName(type, name_space));
  return found == identifiers_.end() ? nullptr : Find(found->second);
}

Judgement Judge(const RetentionRules& rules, const store::v1::SubjectHead& head,
                const HeldRecord& record, int64_t now_us) {
  Judgement judgement;
  const int64_t collected_us = record.meta.collected_us();
  const int64_t next_month = vault::MonthNumber(now_us) + 1;
  std::optional<int64_t> due;
  const auto look_again = [&due](int64_t month) {
    due = std::min(due.value_or(month), month);
  };
  for (const store::v1::SealedField& value : record.blob.fields()) {
    const RetentionRules::Field* field = rules.Find(value.field());
    Fate fate = Fate::kGoes;
    if (field != nullptr && EndUs(collected_us, field->months) > now_us) {
      fate = Fate::kStays;
      look_again(vault::DueMonth(collected_us, field->months));
    } else if (head.erasing() || head.legal_hold()) {
      fate = head.erasing() ? Fate::kStays : Fate::kKept;
      look_again(next_month);
    } else if (field != nullptr) {
      const uint32_t kept = rules.KeptByGround(*field, head);
      if (kept > 0 && EndUs(collected_us, kept) > now_us) {
        fate = Fate::kKept;
        look_again(vault::DueMonth(collected_us, kept));
      }
    }
    judgement.removes |= fate == Fate::kGoes;
    judgement.fates.push_back(fate);
  }
  if (record.blob.fields().empty()) {
    const uint32_t months = rules.MonthsOfKind(record.kind);
    if (EndUs(collected_us, months) > now_us) {
      look_again(vault::DueMonth(collected_us, months));
    }
  }
  judgement.removes_all =
      !due.has_value() && !head.erasing() && !head.legal_hold();
  judgement.due_month = std::max(due.value_or(next_month), next_month);
  return judgement;
}

bool IdentifierEnded(const RetentionRules& rules,
                     const store::v1::SubjectHead& head,
                     const store::v1::HeldIdentifier& held, int64_t now_us) {
  if (head.erasing() || head.legal_hold()) return false;
  const RetentionRules::Field* field =
      rules.FieldOfIdentifier(held.type(), held.name_space());
  if (field == nullptr) return false;
  const uint32_t months =
      std::max(field->months, rules.KeptByGround(*field, head));
  return EndUs(held.collected_us(), months) <= now_us;
}

}  // namespace consentry::upkeep
