#include "gateway/oversight/processing_record.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/access/answer.h"
#include "gateway/access/subject_view.h"

namespace consentry::oversight {
namespace {

using Words = std::set<std::string, std::less<>>;

std::string Lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return word;
}

void Put(const Words& words,
         google::protobuf::RepeatedPtrField<std::string>* field) {
  for (const std::string& word : words) *field->Add() = word;
}

Words Without(const Words& words, const Words& known) {
  Words rest;
  std::set_difference(words.begin(), words.end(), known.begin(), known.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

// What one purpose declares, by names.
struct Declared {
  Words fields;
  Words categories;
  Words recipients;
  Words places;
};

std::string CategoryOf(const policy::Bundle& bundle, std::string_view field) {
  const auto id = bundle.FindField(field);
  return id ? bundle.field(*id).category() : std::string();
}

Declared DeclaredBy(const policy::Bundle& bundle,
                    const config::v1::Purpose& purpose) {
  Declared declared;
  for (const auto& need : purpose.fields()) {
    declared.fields.insert(need.field());
    declared.categories.insert(CategoryOf(bundle, need.field()));
  }
  for (const auto& recipient : purpose.recipients()) {
    declared.recipients.insert(recipient.name());
    if (!recipient.country().empty()) {
      declared.places.insert(recipient.country());
    }
  }
  for (const auto& transfer : purpose.transfers()) {
    declared.places.insert(transfer.to().begin(), transfer.to().end());
  }
  return declared;
}

std::string RetentionText(uint32_t months) {
  return absl::StrCat(months, months == 1 ? " month" : " months");
}

void AddRetention(const policy::Bundle& bundle,
                  const config::v1::Purpose& purpose,
                  v1::ProcessingActivity* activity) {
  for (const auto& need : purpose.fields()) {
    const auto id = bundle.FindField(need.field());
    if (!id) continue;
    const config::v1::Field& field = bundle.field(*id);
    const uint32_t months =
        purpose.retention_months() == 0
            ? field.retention_months()
            : std::min(purpose.retention_months(), field.retention_months());
    std::string text = absl::StrCat(need.field(), ": ", RetentionText(months));
    for (const auto& ground : field.keep()) {
      absl::StrAppend(&text, ", after an erasure ",
                      RetentionText(ground.months()), " by ",
                      ground.citation());
    }
    activity->add_retention(std::move(text));
  }
}

void AddBases(const config::v1::Purpose& purpose,
              v1::ProcessingActivity* activity) {
  for (const auto& basis : purpose.bases()) {
    for (const std::string& regime : basis.regimes()) {
      v1::BasisUsed* used = activity->add_bases();
      used->set_regime(regime);
      used->set_basis(access::BasisName(basis.basis()));
      used->set_document(policy::BasisDocument(basis));
    }
  }
}

std::string TextOf(const config::v1::Purpose& purpose) {
  for (const auto& text : purpose.text()) {
    if (text.language() == "en") {
      return text.text().empty() ? text.title() : text.text();
    }
  }
  return std::string();
}

void AddDifferences(const clients::Configuration& configuration,
                    const Declared& declared, const Words& used_fields,
                    const PurposeUse& use, v1::ProcessingActivity* activity) {
  const auto say = [&](std::string text) {
    activity->add_differences(std::move(text));
  };
  if (use.releases == 0) {
    say("declared, and nothing was released for it");
  } else {
    const Words unused = Without(declared.fields, used_fields);
    if (!unused.empty()) {
      say("declared and never released: " + absl::StrJoin(unused, ", "));
    }
  }
  const Words beyond = Without(used_fields, declared.fields);
  if (!beyond.empty()) {
    say("released, under an earlier policy, and no longer declared: " +
        absl::StrJoin(beyond, ", "));
  }
  for (const std::string& id : use.clients) {
    const clients::Registration* registration = configuration.FindById(id);
    const std::string recipient = access::RecipientOf(configuration, id);
    if (registration != nullptr &&
        !registration->client().recipient().empty() &&
        recipient != configuration.bundle().profile().name() &&
        declared.recipients.find(recipient) == declared.recipients.end()) {
      say(recipient + " received and is not a declared recipient");
    }
    if (registration == nullptr) {
      say(id + " received and is no longer registered");
      continue;
    }
    const std::string& country = registration->client().country();
    const std::string& ground = registration->client().transfer_ground();
    if (!country.empty() && !ground.empty() &&
        declared.places.find(country) == declared.places.end()) {
      say(absl::StrCat("data went to ", country, " on ", ground,
                       ", and the purpose declares no transfer there"));
    }
  }
}

v1::ProcessingActivity ActivityOf(const clients::Configuration& configuration,
                                  const config::v1::Purpose& purpose,
                                  const FieldSets& sets,
                                  const PurposeUse& use) {
  const policy::Bundle& bundle = configuration.bundle();
  const Declared declared = DeclaredBy(bundle, purpose);
  v1::ProcessingActivity activity;
  activity.set_purpose(purpose.key());
  activity.set_text(TextOf(purpose));
  activity.set_dpia(purpose.dpia());
  AddBases(purpose, &activity);
  Put(declared.categories, activity.mutable_declared_categories());
  Put(declared.recipients, activity.mutable_declared_recipients());
  for (const auto& transfer : purpose.transfers()) {
    activity.add_transfers(absl::StrCat(
        absl::StrJoin(transfer.to(), ", "), ": ",
        Lower(config::v1::Safeguard::Value_Name(transfer.safeguard())), ", ",
        transfer.document()));
  }
  AddRetention(bundle, purpose, &activity);

  Words used_fields, used_categories, recipients;
  for (const std::string_view field : sets.Names(use.fields)) {
    used_fields.emplace(field);
    const std::string category = CategoryOf(bundle, field);
    used_categories.insert(category.empty() ? std::string(field) : category);
  }
  for (const std::string& id : use.clients) {
    recipients.insert(access::RecipientOf(configuration, id));
  }
  Put(used_categories, activity.mutable_used_categories());
  Put(recipients, activity.mutable_actual_recipients());
  activity.set_subjects(use.subject_count);
  activity.set_releases(use.releases);
  activity.set_denials(use.denials);
  AddDifferences(configuration, declared, used_fields, use, &activity);
  return activity;
}

}  // namespace

void ProcessingSums::Add(const store::v1::Leaf& leaf,
                         std::span<const uint64_t> subjects) {
  if (leaf.purpose().empty() || leaf.released_nothing()) return;
  for (int item = 0; item < leaf.subjects_size(); ++item) {
    const store::v1::LeafSubject& told = leaf.subjects(item);
    // Joined with the one before, or no read at all.
    if (told.member() || told.effect() == 0) continue;
    PurposeUse& use = purposes[leaf.purpose()];
    if (told.released() == 0) {
      if (told.effect() == v1::EFFECT_DENY) ++use.denials;
      continue;
    }
    ++use.releases;
    use.fields = sets.Union(use.fields, sets.ReleasedIn(leaf, told));
    if (use.clients.find(leaf.client_id()) == use.clients.end()) {
      use.clients.insert(leaf.client_id());
    }
    const uint64_t subject = subjects[static_cast<size_t>(item)];
    if (subject == 0) continue;
    if (use.subjects.size() <= subject) use.subjects.resize(subject + 1);
    if (!use.subjects[subject]) ++use.subject_count;
    use.subjects[subject] = true;
  }
}

v1::ProcessingRecord MakeProcessingRecord(
    const clients::Configuration& configuration, const ProcessingSums& sums) {
  v1::ProcessingRecord record;
  const policy::Bundle& bundle = configuration.bundle();
  record.set_controller(bundle.profile().name());
  record.set_contact(bundle.profile().contact());
  record.set_bundle_hash(absl::BytesToHexString(configuration.hash()));
  Words declared;
  for (const config::v1::Purpose& purpose : bundle.purposes().purposes()) {
    declared.insert(purpose.key());
    const auto use = sums.purposes.find(purpose.key());
    *record.add_activities() =
        ActivityOf(configuration, purpose, sums.sets,
                   use == sums.purposes.end() ? PurposeUse() : use->second);
  }
  // Purposes of earlier policies: done, and declared no more.
  for (const auto& [key, use] : sums.purposes) {
    if (declared.find(key) != declared.end() || use.releases == 0) continue;
    config::v1::Purpose gone;
    gone.set_key(key);
    v1::ProcessingActivity activity =
        ActivityOf(configuration, gone, sums.sets, use);
    activity.clear_differences();
    activity.add_differences("released, and the purpose is no longer declared");
    *record.add_activities() = std::move(activity);
  }
  std::sort(
      record.mutable_activities()->begin(), record.mutable_activities()->end(),
      [](const auto& a, const auto& b) { return a.purpose() < b.purpose(); });
  return record;
}

}  // namespace consentry::oversight
