#include "gateway/vault/head_update.h"

#include <algorithm>
#include <string>

#include "gateway/vault/record_number.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/value_check.h"
#include "proto/support/timestamp.h"

namespace consentry::vault {
namespace {

constexpr int64_t kMicrosPerDay = int64_t{24} * 3600 * 1000 * 1000;

const v1::Value* FindValue(const CheckedRow& row, std::string_view key) {
  if (key.empty()) return nullptr;
  for (const CheckedValue& value : row.values) {
    if (value.spec->field->key() == key) return &value.value;
  }
  return nullptr;
}

int64_t TimeOf(const v1::Value& value, int64_t otherwise) {
  if (value.kind_case() == v1::Value::kTimeValue) {
    return MicrosOf(value.time_value());
  }
  if (value.kind_case() == v1::Value::kDateValue) {
    const std::optional<int32_t> day = ParseDate(value.date_value());
    if (day.has_value()) return *day * kMicrosPerDay;
  }
  return otherwise;
}

}  // namespace

bool TakeSourcedText(
    std::string_view value, std::string_view source, int64_t collected_us,
    google::protobuf::RepeatedPtrField<store::v1::SourcedText>* texts) {
  for (const store::v1::SourcedText& text : *texts) {
    if (text.source() != source) continue;
    if (text.collected_us() > collected_us) return true;
    if (text.collected_us() == collected_us && text.value() == value) {
      return true;
    }
  }
  for (int i = texts->size() - 1; i >= 0; --i) {
    if (texts->Get(i).source() == source &&
        texts->Get(i).collected_us() < collected_us) {
      texts->DeleteSubrange(i, 1);
    }
  }
  if (texts->size() >= kMaxSourcedTexts) return false;
  store::v1::SourcedText* added = texts->Add();
  added->set_value(std::string(value));
  added->set_source(std::string(source));
  added->set_collected_us(collected_us);
  return true;
}

bool TakeIdentifier(const CheckedIdentifier& identifier, uint64_t digest,
                    std::string_view source, int64_t collected_us,
                    store::v1::SubjectHead* head) {
  for (store::v1::HeldIdentifier& held : *head->mutable_identifiers()) {
    if (held.digest() != digest || held.source() != source) continue;
    if (collected_us > held.collected_us()) {
      held.set_verified(identifier.verified);
      held.set_collected_us(collected_us);
    } else if (collected_us == held.collected_us()) {
      held.set_verified(held.verified() || identifier.verified);
    }
    return true;
  }
  if (head->identifiers_size() >= kMaxHeldIdentifiers) return false;
  store::v1::HeldIdentifier* held = head->add_identifiers();
  held->set_type(identifier.identifier.type);
  held->set_name_space(identifier.identifier.name_space);
  held->set_digest(digest);
  held->set_verified(identifier.verified);
  held->set_source(std::string(source));
  held->set_collected_us(collected_us);
  return true;
}

std::optional<uint32_t> KindPosition(std::string_view kind,
                                     const store::v1::SubjectHead& head) {
  for (int i = 0; i < head.kinds_size(); ++i) {
    if (head.kinds(i).kind() == kind) return static_cast<uint32_t>(i);
  }
  return std::nullopt;
}

uint32_t RecordCount(std::string_view kind,
                     const store::v1::SubjectHead& head) {
  const std::optional<uint32_t> position = KindPosition(kind, head);
  return position.has_value() ? head.kinds(static_cast<int>(*position)).count()
                              : 0;
}

bool HasVerifiedIdentity(const store::v1::SubjectHead& head) {
  return std::any_of(head.identifiers().begin(), head.identifiers().end(),
                     [](const auto& held) { return held.verified(); });
}

std::optional<RecordPlace> AddRecord(std::string_view kind,
                                     store::v1::SubjectHead* head) {
  std::optional<uint32_t> position = KindPosition(kind, *head);
  if (!position.has_value()) {
    position = static_cast<uint32_t>(head->kinds_size());
    if (*position > kMaxKindPosition) return std::nullopt;
    head->add_kinds()->set_kind(std::string(kind));
  }
  store::v1::KindCount* count =
      head->mutable_kinds(static_cast<int>(*position));
  if (count->count() >= kMaxRecordsPerKind ||
      count->numbered() > kMaxRecordIndex) {
    return std::nullopt;
  }
  const RecordPlace place{.position = *position, .index = count->numbered()};
  count->set_count(count->count() + 1);
  count->set_numbered(count->numbered() + 1);
  return place;
}

void TakeContext(const CheckedRow& row, std::string_view source,
                 store::v1::SubjectHead* head) {
  const config::v1::RecordKind& kind = *row.kind->kind;
  if (kind.opened_field().empty()) return;
  auto* contexts = head->mutable_contexts();
  for (int i = contexts->size() - 1; i >= 0; --i) {
    if (contexts->Get(i).kind() == kind.key() &&
        contexts->Get(i).reference() == row.source_key &&
        contexts->Get(i).source() == source) {
      contexts->DeleteSubrange(i, 1);
    }
  }
  const v1::Value* opened = FindValue(row, kind.opened_field());
  if (opened == nullptr || FindValue(row, kind.closed_field()) != nullptr) {
    return;
  }
  store::v1::ContextFact* added = contexts->Add();
  added->set_kind(kind.key());
  added->set_reference(row.source_key);
  added->set_source(std::string(source));
  added->set_open(true);
  added->set_time_us(TimeOf(*opened, row.collected_us));
  while (contexts->size() > kMaxContexts) {
    const auto oldest = std::min_element(
        contexts->begin(), contexts->end(),
        [](const store::v1::ContextFact& a, const store::v1::ContextFact& b) {
          return a.time_us() < b.time_us();
        });
    contexts->erase(oldest);
  }
}

}  // namespace consentry::vault
