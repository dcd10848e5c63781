#include "gateway/rights/report_build.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/rights/case_law.h"
#include "gateway/vault/value_check.h"
#include "policy/engine/civil.h"
#include "policy/engine/rights_tables.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

using config::v1::GroundRule;
using config::v1::Support;
using policy::Bundle;
using policy::FieldId;
using policy::RegimeId;
using store::v1::AccessReport;
using store::v1::RightsCaseDoc;

std::string TimeText(int64_t time_us) {
  return time_us <= 0 ? "" : policy::FormatTime(time_us);
}

std::string Lower(std::string text) {
  absl::AsciiStrToLower(&text);
  return text;
}

// "RIGHTS_KIND_ACCESS" without what all of its enum share, in lower case.
std::string Word(const std::string& name, std::string_view prefix) {
  return Lower(name.substr(name.rfind(prefix, 0) == 0 ? prefix.size() : 0));
}

std::string TextOf(
    const google::protobuf::RepeatedPtrField<config::v1::LocalText>& texts,
    const std::string& language, bool title) {
  const config::v1::LocalText* text = policy::TextIn(texts, language);
  if (text == nullptr) return "";
  return title ? text->title() : text->text();
}

std::vector<RegimeId> RegimesOf(const Bundle& bundle,
                                const RightsCaseDoc& doc) {
  std::vector<RegimeId> regimes;
  for (const auto& clock : doc.clocks()) {
    if (const auto regime = bundle.FindRegime(clock.regime())) {
      regimes.push_back(*regime);
    }
  }
  for (const std::string& id : doc.without_right()) {
    if (const auto regime = bundle.FindRegime(id)) regimes.push_back(*regime);
  }
  return regimes;
}

// The one basis of the purpose for the field in the regime, or null.
const config::v1::Basis* BasisFor(const config::v1::Purpose& purpose,
                                  const std::string& regime,
                                  const std::string& field) {
  const config::v1::Basis* general = nullptr;
  for (const auto& basis : purpose.bases()) {
    if (std::find(basis.regimes().begin(), basis.regimes().end(), regime) ==
        basis.regimes().end()) {
      continue;
    }
    if (basis.fields().empty()) {
      general = &basis;
    } else if (std::find(basis.fields().begin(), basis.fields().end(), field) !=
               basis.fields().end()) {
      return &basis;
    }
  }
  return general;
}

// Whether a regime's right to portability reaches the field: it is used for
// some purpose on a basis that the right names.
bool IsPortable(const Bundle& bundle, const RightsCaseDoc& doc, FieldId field) {
  for (const auto& clock : doc.clocks()) {
    const auto regime = bundle.FindRegime(clock.regime());
    if (!regime) continue;
    for (const policy::RightGrant& grant :
         policy::GrantsOf(bundle, *regime, config::v1::Right::PORTABILITY,
                          doc.received_us())) {
      if (grant.row->bases().empty()) return true;
      for (const auto& purpose : bundle.purposes().purposes()) {
        const bool needs =
            std::any_of(purpose.fields().begin(), purpose.fields().end(),
                        [&](const auto& need) {
                          return need.field() == bundle.field_name(field);
                        });
        if (!needs) continue;
        const config::v1::Basis* basis =
            BasisFor(purpose, clock.regime(), bundle.field_name(field));
        if (basis != nullptr &&
            policy::Reaches(*grant.row, purpose.purpose_class(),
                            basis->basis())) {
          return true;
        }
      }
    }
  }
  return false;
}

std::string DocumentOf(const config::v1::Basis& basis) {
  for (const std::string* text :
       {&basis.necessity_note(), &basis.lia(), &basis.law()}) {
    if (!text->empty()) return *text;
  }
  if (basis.notice_id().empty()) return "";
  return absl::StrCat("notice ", basis.notice_id(), " v",
                      basis.notice_version());
}

class Builder {
 public:
  explicit Builder(const ReportInput& input)
      : input_(input),
        bundle_(input.configuration->bundle()),
        doc_(*input.doc),
        portable_only_(doc_.kind() == v1::RIGHTS_KIND_PORTABILITY),
        regimes_(RegimesOf(bundle_, doc_)) {}

  AccessReport Run() {
    report_.set_case_id(doc_.id());
    report_.set_kind(portable_only_ ? "portability" : "access");
    report_.set_made_at(TimeText(input_.now_us));
    report_.set_language(doc_.language());
    report_.set_controller(bundle_.profile().name());
    report_.set_controller_contact(bundle_.profile().contact());
    for (const auto& member : input_.data->members) {
      report_.add_customer_ids(member->head().public_id());
    }
    AddTables();
    AddIdentifiers();
    if (portable_only_) return std::move(report_);
    AddCategories();
    AddPurposes();
    AddRights();
    AddChoices();
    AddFlags();
    for (const RightsCaseDoc& doc : input_.cases) {
      auto* shown = report_.add_cases();
      shown->set_id(doc.id());
      shown->set_kind(
          Word(v1::RightsKind_Name(static_cast<v1::RightsKind>(doc.kind())),
               "RIGHTS_KIND_"));
      shown->set_received_at(TimeText(doc.received_us()));
      shown->set_state(
          Word(v1::RightsState_Name(static_cast<v1::RightsState>(doc.state())),
               "RIGHTS_STATE_"));
    }
    return std::move(report_);
  }

 private:
  // The ground on which a value of the field is named and not shown.
  const GroundRule* WithheldOn(FieldId field, Support::Value support) const {
    const auto right =
        policy::RightOf(static_cast<v1::RightsKind>(doc_.kind()));
    for (const RegimeId regime : regimes_) {
      for (const GroundRule* ground :
           policy::GroundsOf(bundle_, regime, right, doc_.received_us())) {
        const bool supported =
            std::find(ground->support().begin(), ground->support().end(),
                      support) != ground->support().end();
        if (ground->effect() == GroundRule::WITHHOLD && supported &&
            policy::GroundHoldsField(*ground, bundle_.field(field))) {
          return ground;
        }
      }
    }
    return nullptr;
  }

  void Withhold(FieldId field, const std::string& ground,
                const std::string& reason) {
    const std::string& name = bundle_.field_name(field);
    for (auto& held : *report_.mutable_withheld()) {
      if (held.field() == name && held.ground() == ground) {
        held.set_count(held.count() + 1);
        return;
      }
    }
    auto* withheld = report_.add_withheld();
    withheld->set_field(name);
    withheld->set_ground(ground);
    withheld->set_reason(reason);
    withheld->set_count(1);
  }

  // The text of a value, or nullopt where it is withheld.
  std::optional<std::string> Shown(const access::ExportedRecord& record,
                                   const access::ExportedValue& value) {
    const std::string& name = bundle_.field_name(value.field);
    for (const auto& outcome : doc_.outcomes()) {
      if (outcome.target() == name &&
          outcome.disposition() == v1::RIGHTS_DISPOSITION_REFUSED) {
        Withhold(value.field, outcome.ground(), outcome.document());
        return std::nullopt;
      }
    }
    if (const GroundRule* ground = WithheldOn(value.field, Support::CATEGORY)) {
      Withhold(value.field, ground->rule().citation(),
               TextOf(ground->text(), doc_.language(), false));
      return std::nullopt;
    }
    const bool others =
        bundle_.field(value.field).may_name_others() ||
        bundle_.kind(bundle_.kind_of(value.field)).may_name_others();
    if (others) {
      if (!input_.others_checked.contains(name)) {
        const GroundRule* ground = WithheldOn(value.field, Support::OTHERS);
        Withhold(value.field,
                 ground == nullptr ? "others" : ground->rule().citation(),
                 ground == nullptr
                     ? "may name other people"
                     : TextOf(ground->text(), doc_.language(), false));
        return std::nullopt;
      }
      const auto redacted =
          input_.redactions.find(absl::StrCat(record.id, "/", name));
      if (redacted != input_.redactions.end()) return redacted->second;
    }
    return rights::TextOf(value.value);
  }

  void AddTables() {
    std::map<std::string, store::v1::ReportTable> tables;
    std::map<std::string, std::set<std::string>> columns_seen;
    for (const access::ExportedRecord& record : input_.data->records) {
      const auto kind = bundle_.FindKind(record.kind);
      const bool inferred = kind && bundle_.kind(*kind).inferred();
      if (portable_only_ && inferred) continue;
      store::v1::ReportTable& table = tables[record.kind];
      if (table.kind().empty()) {
        table.set_kind(record.kind);
        table.set_title(kind ? bundle_.kind(*kind).title() : record.kind);
        table.set_inferred(inferred);
      }
      store::v1::ReportRecord row;
      row.set_id(record.id);
      row.set_source(record.source);
      row.set_collected_at(TimeText(record.collected_us));
      row.set_purpose(record.purpose);
      for (const access::ExportedValue& value : record.values) {
        if (portable_only_ && !IsPortable(bundle_, doc_, value.field)) {
          continue;
        }
        const std::string& key = bundle_.field(value.field).key();
        if (columns_seen[record.kind].insert(key).second) {
          AddColumn(value.field, &table);
        }
        if (const auto text = Shown(record, value)) {
          (*row.mutable_values())[key] = *text;
        }
      }
      if (portable_only_ && row.values().empty()) continue;
      sources_[record.source] += 1;
      *table.add_records() = std::move(row);
    }
    for (auto& [key, table] : tables) {
      if (table.records().empty()) continue;
      std::sort(table.mutable_columns()->begin(),
                table.mutable_columns()->end(),
                [](const auto& a, const auto& b) { return a.key() < b.key(); });
      *report_.add_tables() = std::move(table);
    }
  }

  void AddColumn(FieldId field, store::v1::ReportTable* table) {
    const config::v1::Field& of = bundle_.field(field);
    auto* column = table->add_columns();
    column->set_key(of.key());
    column->set_title(of.title().empty() ? of.key() : of.title());
    column->set_category(of.category());
    column->set_type(Lower(config::v1::FieldType::Value_Name(of.type())));
    column->set_retention_months(of.retention_months());
    for (const auto& keep : of.keep()) column->add_kept_by(keep.citation());
    categories_[of.category()].insert(bundle_.field_name(field));
  }

  void AddIdentifiers() {
    for (const access::ExportedIdentifier& held : input_.data->identifiers) {
      auto* identifier = report_.add_identifiers();
      identifier->set_type(Word(v1::IdentifierType_Name(held.identifier.type()),
                                "IDENTIFIER_TYPE_"));
      identifier->set_namespace_(held.identifier.namespace_());
      identifier->set_value(held.identifier.value());
      identifier->set_verified(held.identifier.verified());
      identifier->set_source(held.source);
      identifier->set_collected_at(TimeText(held.collected_us));
    }
  }

  void AddCategories() {
    for (const auto& [category, fields] : categories_) {
      auto* of = report_.add_categories();
      of->set_category(category);
      for (const std::string& field : fields) of->add_fields(field);
    }
    for (const auto& [key, count] : sources_) {
      auto* source = report_.add_sources();
      source->set_key(key);
      source->set_title(key);
      source->set_records(count);
      for (const auto& known : bundle_.catalog().sources()) {
        if (known.key() == key && !known.title().empty()) {
          source->set_title(known.title());
        }
      }
    }
  }

  // Purposes that use a field that is held of her, under the regimes that
  // attach to her.
  void AddPurposes() {
    std::set<std::string> held;
    for (const auto& [category, fields] : categories_) {
      held.insert(fields.begin(), fields.end());
    }
    for (const auto& purpose : bundle_.purposes().purposes()) {
      store::v1::ReportPurpose shown;
      for (const auto& need : purpose.fields()) {
        if (held.contains(need.field())) shown.add_fields(need.field());
      }
      if (shown.fields().empty()) continue;
      for (const RegimeId regime : regimes_) {
        std::set<std::string> told;
        for (const std::string& field : shown.fields()) {
          const auto* basis = BasisFor(purpose, bundle_.regime(regime), field);
          if (basis == nullptr) continue;
          const std::string word =
              Lower(config::v1::LawfulBasis::Value_Name(basis->basis()));
          if (!told.insert(word + DocumentOf(*basis)).second) continue;
          auto* used = shown.add_bases();
          used->set_regime(bundle_.regime(regime));
          used->set_basis(word);
          used->set_document(DocumentOf(*basis));
        }
      }
      // Declared for other regimes alone: never done with her data.
      if (shown.bases().empty()) continue;
      shown.set_key(purpose.key());
      shown.set_title(TextOf(purpose.text(), doc_.language(), true));
      shown.set_text(TextOf(purpose.text(), doc_.language(), false));
      shown.set_retention_months(purpose.retention_months());
      AddRecipientsOf(purpose);
      AddDecisionsOf(purpose, shown);
      *report_.add_purposes() = std::move(shown);
    }
  }

  void AddRecipientsOf(const config::v1::Purpose& purpose) {
    for (const auto& recipient : purpose.recipients()) {
      store::v1::ReportRecipient* known = nullptr;
      for (auto& held : *report_.mutable_recipients()) {
        if (held.name() == recipient.name()) known = &held;
      }
      if (known == nullptr) {
        known = report_.add_recipients();
        known->set_name(recipient.name());
        known->set_country(recipient.country());
      }
      known->add_purposes(purpose.key());
    }
    for (const auto& transfer : purpose.transfers()) {
      auto* shown = report_.add_transfers();
      *shown->mutable_to() = transfer.to();
      shown->set_safeguard(
          Lower(config::v1::Safeguard::Value_Name(transfer.safeguard())));
      shown->set_document(transfer.document());
      shown->set_purpose(purpose.key());
    }
  }

  void AddDecisionsOf(const config::v1::Purpose& purpose,
                      const store::v1::ReportPurpose& shown) {
    if (!purpose.automated_decision() &&
        purpose.purpose_class() !=
            config::v1::PurposeClass::SIGNIFICANT_DECISION) {
      return;
    }
    auto* decision = report_.add_automated_decisions();
    decision->set_purpose(purpose.key());
    decision->set_logic(shown.text());
    *decision->mutable_fields() = shown.fields();
    std::set<std::string> humans;
    for (const RegimeId regime : regimes_) {
      for (const auto& rule : bundle_.pack(regime).automated_decisions()) {
        switch (rule.human()) {
          case config::v1::AutomatedDecisionRule::BEFORE_EFFECT:
            humans.insert("a person decides before it has effect");
            break;
          case config::v1::AutomatedDecisionRule::ON_REQUEST:
            humans.insert("a person looks at it on request");
            break;
          default:
            break;
        }
      }
    }
    decision->set_human(absl::StrJoin(humans, "; "));
  }

  void AddRights() {
    std::set<std::string> complaints;
    for (const RegimeId regime : regimes_) {
      for (const auto& row : bundle_.pack(regime).rights()) {
        if (policy::GrantsOf(bundle_, regime, row.right(), doc_.received_us())
                .empty()) {
          continue;
        }
        auto* right = report_.add_rights();
        right->set_regime(bundle_.regime(regime));
        right->set_right(Lower(config::v1::Right::Value_Name(row.right())));
        right->set_citation(row.rule().citation());
      }
      std::vector<std::string> residences(doc_.residences().begin(),
                                          doc_.residences().end());
      if (residences.empty()) residences.push_back("");
      for (const std::string& residence : residences) {
        for (const auto* redress : policy::RedressOf(bundle_, regime, residence,
                                                     doc_.received_us())) {
          const std::string text =
              TextOf(redress->text(), doc_.language(), false);
          if (complaints.insert(text).second) report_.add_complaints(text);
        }
      }
    }
  }

  void AddChoices() {
    for (const auto& member : input_.data->members) {
      for (const auto& held : member->head().consents()) {
        auto* choice = report_.add_choices();
        choice->set_purpose(held.purpose());
        const bool over = held.valid_until_us() != 0 &&
                          held.valid_until_us() <= input_.now_us;
        choice->set_status(
            over && held.status() == v1::CONSENT_STATUS_GIVEN
                ? "expired"
                : Word(v1::ConsentStatus_Name(
                           static_cast<v1::ConsentStatus>(held.status())),
                       "CONSENT_STATUS_"));
        choice->set_since(TimeText(held.since_us()));
        choice->set_until(TimeText(held.valid_until_us()));
        if (!held.notice_id().empty()) {
          choice->set_notice(
              absl::StrCat(held.notice_id(), " v", held.notice_version()));
        }
      }
    }
  }

  void AddFlags() {
    auto* flags = report_.mutable_flags();
    std::set<std::string> objections, opt_outs, residences, births;
    for (const auto& member : input_.data->members) {
      const store::v1::SubjectHead& head = member->head();
      flags->set_restricted(flags->restricted() || head.restricted() ||
                            head.erasure_held());
      flags->set_legal_hold(flags->legal_hold() || head.legal_hold());
      flags->set_global_privacy_control(flags->global_privacy_control() ||
                                        head.global_privacy_control());
      objections.insert(head.objections().begin(), head.objections().end());
      for (const int kind : head.opt_outs()) {
        opt_outs.insert(
            Word(v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind)),
                 "OPT_OUT_KIND_"));
      }
      for (const auto& place : head.residences()) {
        residences.insert(place.value());
      }
      for (const auto& birth : head.birth_dates()) births.insert(birth.value());
    }
    for (const auto& one : objections) flags->add_objections(one);
    for (const auto& one : opt_outs) flags->add_opt_outs(one);
    for (const auto& one : residences) flags->add_residences(one);
    for (const auto& one : births) flags->add_birth_dates(one);
    flags->set_joined_records(
        static_cast<uint32_t>(input_.data->members.size() - 1));
    flags->set_suppressed(input_.suppressed);
  }

  const ReportInput& input_;
  const Bundle& bundle_;
  const RightsCaseDoc& doc_;
  const bool portable_only_;
  const std::vector<RegimeId> regimes_;
  std::map<std::string, std::set<std::string>> categories_;
  std::map<std::string, uint32_t> sources_;
  AccessReport report_;
};

}  // namespace

std::string TextOf(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kStringValue:
      return value.string_value();
    case v1::Value::kIntValue:
      return absl::StrCat(value.int_value());
    case v1::Value::kDoubleValue:
      return absl::StrFormat("%.15g", value.double_value());
    case v1::Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case v1::Value::kDateValue:
      return value.date_value();
    case v1::Value::kTimeValue:
      return policy::FormatTime(MicrosOf(value.time_value()));
    case v1::Value::kMoneyValue: {
      const auto& money = value.money_value();
      const int digits = vault::MinorDigits(money.currency());
      const bool negative = money.minor_units() < 0;
      std::string text = absl::StrCat(
          negative ? uint64_t{0} - static_cast<uint64_t>(money.minor_units())
                   : static_cast<uint64_t>(money.minor_units()));
      if (digits > 0) {
        const auto after = static_cast<size_t>(digits);
        if (text.size() <= after) text.insert(0, after + 1 - text.size(), '0');
        text.insert(text.size() - after, 1, '.');
      }
      return absl::StrCat(negative ? "-" : "", text, " ", money.currency());
    }
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return "";
}

AccessReport BuildReport(const ReportInput& input) {
  return Builder(input).Run();
}

void ConsultationList::Add(const store::v1::Leaf& leaf,
                           std::span<const uint16_t> items) {
  report_->set_entries_seen(report_->entries_seen() + 1);
  // Changes are no consultations; what they wrote is in the copy.
  if (leaf.change_number() != 0) return;
  const auto* registration = configuration_->FindById(leaf.client_id());
  const std::string& own = configuration_->bundle().profile().name();
  std::string recipient = own;
  std::string country;
  std::string system = leaf.client_id();
  if (registration != nullptr) {
    const v1::Client& client = registration->client();
    if (!client.recipient().empty()) recipient = client.recipient();
    country = client.country();
    system = client.role() == v1::ROLE_SERVICE
                 ? (client.title().empty() ? client.id() : client.title())
                 : Word(v1::Role_Name(client.role()), "ROLE_");
  }
  for (const uint16_t item : items) {
    if (item >= leaf.subjects_size()) continue;
    const store::v1::LeafSubject& subject = leaf.subjects(item);
    if (subject.member()) continue;
    auto* shown = report_->add_consultations();
    shown->set_at(TimeText(leaf.time_us()));
    shown->set_recipient(recipient);
    shown->set_system(system);
    shown->set_purpose(leaf.purpose());
    shown->set_event(leaf.event());
    for (int i = 0; i < leaf.fields_size() && i < 64; ++i) {
      if ((subject.released() >> i & 1) != 0) {
        shown->add_fields(leaf.fields(i));
      }
    }
    if (subject.effect() == v1::EFFECT_DENY) {
      shown->set_denied(Word(
          v1::ErrorReason_Name(static_cast<v1::ErrorReason>(subject.reason())),
          "ERROR_REASON_"));
    }
    if (subject.released() == 0 || leaf.released_nothing()) continue;
    Received& received = received_[recipient];
    received.country = country;
    if (!leaf.purpose().empty()) received.purposes.insert(leaf.purpose());
    ++received.releases;
    received.first_us = std::min(received.first_us, leaf.time_us());
    received.last_us = std::max(received.last_us, leaf.time_us());
  }
}

void ConsultationList::Finish() {
  std::reverse(report_->mutable_consultations()->begin(),
               report_->mutable_consultations()->end());
  for (const auto& [name, received] : received_) {
    store::v1::ReportRecipient* known = nullptr;
    for (auto& held : *report_->mutable_recipients()) {
      if (held.name() == name) known = &held;
    }
    if (known == nullptr) {
      known = report_->add_recipients();
      known->set_name(name);
      known->set_country(received.country);
    }
    for (const std::string& purpose : received.purposes) {
      if (std::find(known->purposes().begin(), known->purposes().end(),
                    purpose) == known->purposes().end()) {
        known->add_purposes(purpose);
      }
    }
    known->set_releases(received.releases);
    known->set_first_at(TimeText(received.first_us));
    known->set_last_at(TimeText(received.last_us));
  }
}

}  // namespace consentry::rights
