#include "gateway/oversight/exposures.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/crypto/ids.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::oversight {
namespace {

constexpr int32_t kDefaultPage = 50;
constexpr int32_t kMaxPage = 256;
constexpr int64_t kMaxNamed = 256;
// Heads are read one by one to count residences.
constexpr size_t kMostResidences = 20'000;
constexpr std::chrono::milliseconds kIndexWait(5000);

// An order of customers in which neighbours have nothing in common: their
// numbers tell who came first. One to one (an odd factor modulo 2^64).
constexpr uint64_t PlaceOf(uint64_t subject) {
  return subject * 0x9E3779B97F4A7C15u;
}

trail::EntryFilter FilterOf(const v1::ListExposuresRequest& request) {
  trail::EntryFilter filter;
  if (!request.client_id().empty()) filter.client_id = request.client_id();
  if (!request.acting_person().empty()) {
    filter.acting_person = request.acting_person();
  }
  if (!request.purpose().empty()) filter.purpose = request.purpose();
  if (request.has_from_time()) filter.from_us = MicrosOf(request.from_time());
  if (request.has_to_time()) filter.to_us = MicrosOf(request.to_time());
  return filter;
}

// Of a long walk, which leaves the cache to what is hot.
vault::SubjectReader::HeadOptions OneOfMany() {
  vault::SubjectReader::HeadOptions options;
  options.keep = false;
  return options;
}

std::vector<std::string> ResidencesOf(const store::v1::SubjectHead& head) {
  std::set<std::string> residences;
  for (const auto& residence : head.residences()) {
    residences.insert(residence.value());
  }
  return {residences.begin(), residences.end()};
}

void AddCounts(const std::map<std::string, int64_t, std::less<>>& counts,
               google::protobuf::RepeatedPtrField<v1::ExposureCount>* shown) {
  for (const auto& [key, subjects] : counts) {
    v1::ExposureCount* count = shown->Add();
    count->set_key(key);
    count->set_subjects(subjects);
  }
  std::stable_sort(
      shown->begin(), shown->end(),
      [](const auto& a, const auto& b) { return a.subjects() > b.subjects(); });
}

// "to,place": where a page ends.
struct Position {
  uint64_t to = 0;
  uint64_t place = 0;
};

std::string Format(const Position& position) {
  return absl::StrCat(position.to, ",", position.place);
}

bool Parse(const std::string& text, Position* position) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  return parts.size() == 2 && absl::SimpleAtoi(parts[0], &position->to) &&
         absl::SimpleAtoi(parts[1], &position->place);
}

}  // namespace

Exposures::Exposures(Options options)
    : options_(std::move(options)), counted_("exposures", options_.wait) {}

absl::StatusOr<std::vector<uint64_t>> Exposures::Named(
    const v1::ListExposuresRequest& request) const {
  std::vector<uint64_t> named;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  for (const v1::SubjectRef& ref : request.subjects()) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto key, options_.subjects->MakeKey(ref));
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto holders,
        options_.subjects->ResolveAll(lease.get(), key, kMaxNamed + 1));
    named.insert(named.end(), holders.begin(), holders.end());
  }
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  if (named.size() > static_cast<size_t>(kMaxNamed)) {
    return MakeError(v1::ERROR_REASON_TOO_LARGE,
                     "more customers than one question may be about");
  }
  return named;
}

absl::Status Exposures::CountResidences(
    ExposureSums* sums, const std::atomic<bool>& cancelled) const {
  if (sums->subjects.size() > kMostResidences) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  for (const auto& subject : sums->subjects) {
    if (cancelled) return absl::CancelledError();
    const auto head =
        options_.subjects->ReadHead(lease.get(), subject.subject, OneOfMany());
    if (absl::IsNotFound(head.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(head.status());
    const auto residences = ResidencesOf((*head)->head());
    for (const std::string& residence : residences) {
      ++sums->by_residence[residence];
    }
    if (residences.empty()) ++sums->by_residence[""];
  }
  return absl::OkStatus();
}

absl::StatusOr<ExposureSums> Exposures::Count(
    const trail::EntryFilter& filter, const std::vector<uint64_t>& named,
    bool all, uint64_t to, const std::atomic<bool>& cancelled) const {
  ExposureSums sums;
  struct Told {
    uint32_t fields = 0;
    uint32_t releases = 0;
  };
  std::unordered_map<uint64_t, Told> by_subject;
  std::set<std::string> erased;
  const auto count = [&](const store::v1::Leaf& leaf,
                         const store::v1::LeafSubject& item, uint64_t subject) {
    if (leaf.released_nothing() || item.released() == 0) return;
    ++sums.releases;
    if (subject == 0) {
      erased.insert(item.tag());
      return;
    }
    Told& told = by_subject[subject];
    told.fields =
        sums.sets.Union(told.fields, sums.sets.ReleasedIn(leaf, item));
    ++told.releases;
  };
  if (all) {
    CONSENTRY_RETURN_IF_ERROR(options_.trail->Walk(
        0, to, filter, [&](const trail::TrailIndex::Walked& entry) {
          for (int item = 0; item < entry.leaf->subjects_size(); ++item) {
            count(*entry.leaf, entry.leaf->subjects(item),
                  entry.subjects[static_cast<size_t>(item)]);
          }
          return cancelled ? absl::CancelledError() : absl::OkStatus();
        }));
  } else {
    for (const uint64_t subject : named) {
      for (uint64_t below = to; below > 0;) {
        if (cancelled) return absl::CancelledError();
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto page,
            options_.trail->Find({&subject, 1}, filter, below, 1024));
        for (const auto& hit : page.hits) {
          for (const uint16_t item : hit.items) {
            count(hit.leaf, hit.leaf.subjects(item), subject);
          }
        }
        below = page.next;
      }
    }
  }
  sums.erased = static_cast<int64_t>(erased.size());
  for (const auto& [subject, told] : by_subject) {
    sums.subjects.push_back({subject, told.fields, told.releases});
    for (const std::string_view field : sums.sets.Names(told.fields)) {
      const auto known = sums.by_field.find(field);
      if (known != sums.by_field.end()) {
        ++known->second;
      } else {
        sums.by_field.emplace(field, 1);
      }
    }
  }
  std::sort(sums.subjects.begin(), sums.subjects.end(),
            [](const auto& a, const auto& b) {
              return PlaceOf(a.subject) < PlaceOf(b.subject);
            });
  CONSENTRY_RETURN_IF_ERROR(CountResidences(&sums, cancelled));
  return sums;
}

absl::StatusOr<v1::ListExposuresResponse> Exposures::Make(
    const access::Caller& caller, const v1::ListExposuresRequest& request,
    access::AnswerEntry* entry) {
  const int64_t now_us = options_.parts.committer->NowUs();
  v1::ListExposuresRequest question = request;
  question.clear_page_token();
  question.clear_page_size();
  const std::string hash = clients::Sha256(clients::CanonicalBytes(question));
  Position position;
  if (!request.page_token().empty()) {
    const auto opened = options_.page_tokens->Open(
        clients::RequesterOf(caller), hash, request.page_token(), now_us);
    if (!opened.ok() || !Parse(*opened, &position)) {
      return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                       "the page token is not one of this question");
    }
  }
  const uint64_t size = options_.log->size();
  if (!options_.trail->WaitUntilIndexed(size, kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto named, Named(request));
  const bool all = request.subjects_size() == 0;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto answer,
      counted_.Get(clients::RequesterOf(caller) + hash, position.to, size,
                   [this, filter = FilterOf(request), named, all](
                       uint64_t to, const std::atomic<bool>& cancelled) {
                     return Count(filter, named, all, to, cancelled);
                   }));
  const ExposureSums& sums = *answer.sums;

  v1::ListExposuresResponse response;
  response.set_complete_to(answer.to);
  response.set_erased_count(sums.erased);
  response.set_subject_count(static_cast<int64_t>(sums.subjects.size()) +
                             sums.erased);
  response.set_release_count(sums.releases);
  const bool first = request.page_token().empty();
  if (first) {
    AddCounts(sums.by_field, response.mutable_by_field());
    AddCounts(sums.by_residence, response.mutable_by_residence());
  }
  // Names of the configuration; other words might be anybody's.
  const auto configuration = options_.parts.configuration();
  if (configuration->FindById(request.client_id()) != nullptr) {
    entry->leaf.add_details("asked_client=" + request.client_id());
  }
  if (configuration->bundle().FindPurpose(request.purpose())) {
    entry->leaf.add_details("asked_purpose=" + request.purpose());
  }
  entry->leaf.add_details(absl::StrCat("named=", named.size()));
  entry->leaf.add_details(absl::StrCat("subjects=", response.subject_count()));

  auto next = sums.subjects.begin();
  if (!first) {
    next = std::upper_bound(sums.subjects.begin(), sums.subjects.end(),
                            position.place,
                            [](uint64_t place, const auto& subject) {
                              return place < PlaceOf(subject.subject);
                            });
  }
  const int32_t limit = request.page_size() == 0
                            ? kDefaultPage
                            : std::min(request.page_size(), kMaxPage);
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  for (; next != sums.subjects.end() && response.exposures_size() < limit;
       ++next) {
    const auto head =
        options_.subjects->ReadHead(lease.get(), next->subject, OneOfMany());
    // Erased since it was counted.
    if (absl::IsNotFound(head.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(head.status());
    entry->Tell(head->get(), options_.log_origin, now_us);
    v1::Exposure* exposure = response.add_exposures();
    exposure->set_subject_id((*head)->head().public_id());
    for (const std::string_view field : sums.sets.Names(next->fields)) {
      exposure->add_fields(std::string(field));
    }
    exposure->set_releases(next->releases);
    std::string residence;
    for (const std::string& place : ResidencesOf((*head)->head())) {
      absl::StrAppend(&residence, residence.empty() ? "" : ",", place);
    }
    exposure->set_residence(std::move(residence));
  }
  if (next != sums.subjects.end()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        *response.mutable_next_page_token(),
        options_.page_tokens->Seal(
            clients::RequesterOf(caller), hash,
            Format({answer.to, PlaceOf(std::prev(next)->subject)}), now_us));
  }
  return response;
}

void Exposures::List(access::Caller caller,
                     const v1::ListExposuresRequest& request,
                     access::Done<v1::ListExposuresResponse> done) {
  access::AnswerAudited<v1::ListExposuresResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry* entry) {
        return Make(caller, request, entry);
      },
      std::move(done));
}

}  // namespace consentry::oversight
