#include "gateway/delivery/recipients.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <tuple>

#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr size_t kEntriesPerPage = 512;
constexpr std::chrono::milliseconds kTrailWait{1000};

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// What an entry says about one of its subjects.
void AddItem(const store::v1::Leaf& leaf, const store::v1::LeafSubject& item,
             uint64_t subject, std::vector<Recipient>* found) {
  const bool wrote =
      leaf.event() == "data.write" || leaf.event() == "data.import";
  const bool choice = StartsWith(leaf.event(), "consent.");
  if (item.released() == 0 && !wrote && !choice) return;
  if (leaf.released_nothing()) return;
  Recipient* recipient = FindOrAdd(leaf.client_id(), subject, found);
  recipient->wrote |= wrote;
  if (!leaf.purpose().empty()) recipient->purposes.insert(leaf.purpose());
  if (choice) {
    for (const std::string& change : item.changes()) {
      recipient->purposes.insert(change.substr(0, change.find('=')));
    }
  }
  for (int i = 0; i < leaf.fields_size() && i < 64; ++i) {
    if ((item.released() >> i & 1) != 0) {
      recipient->fields.insert(leaf.fields(i));
    }
  }
}

}  // namespace

Recipient* FindOrAdd(std::string_view client_id, uint64_t subject,
                     std::vector<Recipient>* recipients) {
  for (Recipient& recipient : *recipients) {
    if (recipient.client_id == client_id && recipient.subject == subject) {
      return &recipient;
    }
  }
  Recipient& added = recipients->emplace_back();
  added.client_id = std::string(client_id);
  added.subject = subject;
  return &added;
}

absl::Status Recipients::AddFromTrail(uint64_t subject, uint64_t below,
                                      std::vector<Recipient>* found) const {
  const uint64_t subjects[] = {subject};
  while (below > 0) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto page,
        options_.trail->Find(subjects, {}, below, kEntriesPerPage));
    for (const auto& hit : page.hits) {
      if (hit.leaf.client_id().empty()) continue;
      for (const uint16_t item : hit.items) {
        if (item >= hit.leaf.subjects_size()) continue;
        const store::v1::LeafSubject& told = hit.leaf.subjects(item);
        // Who is joined is known to the caller by the other's pseudonym.
        if (told.member()) continue;
        AddItem(hit.leaf, told, subject, found);
      }
    }
    if (page.next >= below) break;
    below = page.next;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Recipient>> Recipients::Of(uint64_t subject) const {
  return Of(subject, options_.log_size());
}

absl::StatusOr<std::vector<Recipient>> Recipients::Of(uint64_t subject,
                                                      uint64_t below) const {
  if (!options_.trail->WaitUntilIndexed(below, kTrailWait)) {
    return absl::UnavailableError("the index of the audit log is behind");
  }
  std::vector<std::shared_ptr<const vault::CachedSubject>> members;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    vault::SubjectReader::HeadOptions options;
    options.past_cache = true;
    options.keep = false;
    CONSENTRY_ASSIGN_OR_RETURN(
        members, options_.subjects->ReadGroup(lease.get(), subject, options));
  }
  std::vector<Recipient> found;
  const auto configuration = options_.configuration();
  for (const auto& member : members) {
    CONSENTRY_RETURN_IF_ERROR(AddFromTrail(member->subject(), below, &found));
    // Sources whose records came before the log, or were written offline.
    for (const auto& held : member->head().identifiers()) {
      for (const auto& [id, registration] : configuration->registrations()) {
        const auto& sources = registration->client().sources();
        if (!held.source().empty() &&
            std::find(sources.begin(), sources.end(), held.source()) !=
                sources.end()) {
          FindOrAdd(id, member->subject(), &found)->wrote = true;
        }
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Recipient& a, const Recipient& b) {
              return std::tie(a.client_id, a.subject) <
                     std::tie(b.client_id, b.subject);
            });
  return found;
}

}  // namespace consentry::delivery
