#include "gateway/review/review_reads.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/access/output_decision.h"
#include "gateway/access/rights_grant.h"
#include "gateway/review/review_figures.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::review {
namespace {

using store::v1::ReviewWords;

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr int64_t kDefaultSpanUs = 30 * 24 * kUsPerHour;
constexpr int32_t kDefaultPage = 50;
constexpr int32_t kMaxPage = 1000;
// Looked at for one page before it is answered short.
constexpr size_t kRowsPerPage = 4000;
constexpr size_t kRowsAtOnce = 256;
constexpr int32_t kMaxCustomerPage = 200;
// Of one customer, looked at for one page before it is answered short.
constexpr size_t kRowsOfCustomer = 200;
constexpr char kOutputPrefix[] = "scr_";
constexpr char kDecisionPrefix[] = "dec_";
constexpr char kVulnerabilityPrefix[] = "vul_";

absl::Status WrongPage() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not of this query, or too old");
}

std::string FormatPlace(const ReviewPlace& place) {
  return absl::StrCat(place.priority, ":", place.due_hour, ":", place.no);
}

bool ParsePlace(std::string_view text, ReviewPlace* place) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), ':');
  if (parts.size() != 3) return false;
  const auto number = [](const std::string& part, int64_t* value) {
    return std::from_chars(part.data(), part.data() + part.size(), *value).ec ==
           std::errc();
  };
  return number(parts[0], &place->priority) &&
         number(parts[1], &place->due_hour) && number(parts[2], &place->no);
}

v1::CustomerReview OfHers(const store::v1::ReviewDoc& doc,
                          const std::vector<ReviewWords>& words,
                          int64_t now_us) {
  v1::CustomerReview shown;
  *shown.mutable_review() = ReviewDesk::ShowToAsker(doc, now_us);
  for (const ReviewWords& piece : words) {
    switch (piece.kind()) {
      case ReviewWords::STATEMENT:
        shown.add_statements(piece.text());
        break;
      case ReviewWords::QUESTION:
        shown.add_questions(piece.text());
        break;
      // The last one stands; those before it were not final.
      case ReviewWords::RATIONALE:
        if (doc.decided_us() != 0) shown.set_rationale(piece.text());
        shown.clear_outcome();
        break;
      case ReviewWords::OUTCOME:
        if (doc.decided_us() != 0) shown.set_outcome(piece.text());
        break;
      default:
        break;
    }
  }
  return shown;
}

// What the second part of a case needs to know of the first.
struct Opened {
  v1::ReviewCase shown;
  std::string purpose;
  std::string subject_id;
  // May be read; the rest is named in `shown`.
  std::vector<std::string> fields;
};

}  // namespace

void ReviewReads::List(access::Caller caller,
                       const v1::ListReviewsRequest& request,
                       access::Done<v1::ListReviewsResponse> done) const {
  access::AnswerAudited<v1::ListReviewsResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListReviewsResponse> {
        const ReviewDesk& desk = *options_.desk;
        const int64_t now_us = options_.parts.committer->NowUs();
        entry->leaf.set_released_nothing(true);
        v1::ListReviewsRequest query = request;
        query.clear_page_size();
        query.clear_page_token();
        query.clear_context();
        const std::string query_hash =
            desk.parts().digests->Of(clients::CanonicalBytes(query));
        const std::string requester = clients::RequesterOf(caller);
        // Decided ones stand by the hour of the decision.
        const bool open = request.state() != v1::REVIEW_STATE_RESOLVED;
        ReviewPlace place;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              requester, query_hash, request.page_token(), now_us);
          if (!position.ok() || !ParsePlace(*position, &place)) {
            return WrongPage();
          }
        }
        const size_t size = static_cast<size_t>(
            request.page_size() == 0 ? kDefaultPage
                                     : std::min(request.page_size(), kMaxPage));
        v1::ListReviewsResponse page;
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.parts().readers->Acquire());
        bool more = true;
        size_t seen = 0;
        while (more && static_cast<size_t>(page.reviews_size()) < size &&
               seen < kRowsPerPage) {
          const size_t room = size - static_cast<size_t>(page.reviews_size());
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto rows,
              open ? desk.rows().Queue(lease.get(), place, room, &place, &more)
                   : desk.rows().ByHour(lease.get(), false, INT64_MIN,
                                        INT64_MAX, place, room, &place, &more));
          seen += room;
          for (const ReviewRow& row : rows) {
            if ((request.state() != v1::REVIEW_STATE_UNSPECIFIED &&
                 ShownState(row.doc, now_us) != request.state()) ||
                (request.trigger() != v1::REVIEW_TRIGGER_UNSPECIFIED &&
                 row.doc.trigger() != request.trigger()) ||
                (request.has_due_before() &&
                 row.doc.due_us() >= MicrosOf(request.due_before()))) {
              continue;
            }
            *page.add_reviews() = ReviewDesk::Show(row.doc, now_us);
          }
        }
        if (more) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              options_.page_tokens->Seal(requester, query_hash,
                                         FormatPlace(place), now_us));
        }
        return page;
      },
      std::move(done));
}

void ReviewReads::ShowCase(access::Caller caller,
                           const v1::ShowReviewRequest& request,
                           access::Done<v1::ReviewCase> done) const {
  auto opened = std::make_shared<Opened>();
  auto kept = std::make_shared<access::Done<v1::ReviewCase>>(std::move(done));
  access::AnswerAudited<v1::ReviewCase>(
      options_.parts, caller,
      [this, caller, opened, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::ReviewCase> {
        const ReviewDesk& desk = *options_.desk;
        const int64_t now_us = options_.parts.committer->NowUs();
        const auto parsed = crypto::ParseId(crypto::IdKind::kReview, id);
        if (!parsed.ok()) {
          return MakeError(v1::ERROR_REASON_NOT_FOUND, "no review has this id");
        }
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.parts().readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(const ReviewRow row,
                                   desk.rows().Read(lease.get(), *parsed));
        CONSENTRY_RETURN_IF_ERROR(
            CheckHolds(ReviewDesk::ActorOf(caller), now_us, row.doc));
        entry->leaf.add_details("review=" + id);
        const auto configuration = options_.parts.configuration();
        const policy::Bundle& bundle = configuration->bundle();
        CONSENTRY_ASSIGN_OR_RETURN(const crypto::Grant grant,
                                   access::ReviewGrant(bundle));
        opened->purpose = std::string(grant.purpose());
        entry->leaf.set_purpose(opened->purpose);
        if (row.subject != 0) {
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto head,
              desk.parts().subjects->ReadHead(lease.get(), row.subject, {}));
          entry->Tell(head.get(), desk.parts().log_origin, now_us);
          opened->subject_id = head->head().public_id();
        }
        v1::ReviewCase shown;
        *shown.mutable_review() = ReviewDesk::Show(row.doc, now_us);
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto words, desk.rows().OpenWords(lease.get(), grant, row));
        for (const ReviewWords& piece : words) {
          switch (piece.kind()) {
            case ReviewWords::STATEMENT:
              shown.add_statements(piece.text());
              break;
            case ReviewWords::QUESTION:
              shown.add_questions(piece.text());
              break;
            case ReviewWords::RATIONALE:
              shown.add_rationales(piece.text());
              break;
            default:
              break;
          }
        }
        std::vector<std::string> needed;
        for (const auto& field :
             bundle.purpose(*access::ReviewPurpose(bundle)).fields()) {
          needed.push_back(field.field());
        }
        CONSENTRY_ASSIGN_OR_RETURN(TargetCase target,
                                   Describe(&lease, row.doc.target(), grant));
        shown.set_proposal(std::move(target.proposal));
        shown.set_explanation(std::move(target.explanation));
        for (std::string& finding : target.findings) {
          shown.add_findings(std::move(finding));
        }
        if (row.doc.target().starts_with(kOutputPrefix)) {
          for (std::string& field : target.input_fields) {
            if (std::find(needed.begin(), needed.end(), field) !=
                needed.end()) {
              opened->fields.push_back(std::move(field));
            } else {
              shown.add_withheld(std::move(field));
            }
          }
        } else if (!row.doc.target().starts_with(kVulnerabilityPrefix)) {
          // What whoever talks to her, or looks at a reading, may see.
          opened->fields = std::move(needed);
        }
        return shown;
      },
      [this, caller, opened,
       kept](absl::StatusOr<access::Released<v1::ReviewCase>> first) mutable {
        if (!first.ok() || opened->fields.empty() ||
            opened->subject_id.empty()) {
          (*kept)(std::move(first));
          return;
        }
        v1::ReadSubjectRequest read;
        read.mutable_subject()->set_id(opened->subject_id);
        read.set_purpose(opened->purpose);
        for (const std::string& field : opened->fields) read.add_fields(field);
        read.set_channel(v1::CHANNEL_INTERNAL);
        auto released = std::make_shared<access::Released<v1::ReviewCase>>(
            *std::move(first));
        // Not on the thread of the committer, which completes reads.
        const auto go = [this, caller, read, released, kept] {
          options_.reads->Read(
              caller, read,
              [released,
               kept](absl::StatusOr<access::Released<v1::ReadSubjectResponse>>
                         second) {
                if (!second.ok()) {
                  (*kept)(second.status());
                  return;
                }
                v1::ReviewCase& shown = released->response;
                v1::ReadSubjectResponse& answer = second->response;
                shown.mutable_inputs()->Swap(answer.mutable_fields());
                for (auto& record : *answer.mutable_records()) {
                  for (auto& field : *record.mutable_fields()) {
                    shown.mutable_inputs()->Add(std::move(field));
                  }
                }
                for (const auto& decision : answer.decision().fields()) {
                  if (decision.effect() != v1::EFFECT_PERMIT) {
                    shown.add_withheld(decision.field());
                  }
                }
                shown.set_audit_reference(answer.decision().audit_reference());
                for (auto& ticket : second->tickets) {
                  released->tickets.push_back(std::move(ticket));
                }
                (*kept)(std::move(*released));
              });
        };
        if (!options_.parts.workers->TrySubmit(go)) {
          (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                            "too much is waiting; try again"));
        }
      });
}

// What is no longer kept is described by nothing.
absl::StatusOr<TargetCase> ReviewReads::Describe(
    store::ReaderPool::Lease* lease, const std::string& target,
    const crypto::Grant& grant) const {
  const ReviewParts& parts = options_.desk->parts();
  absl::StatusOr<TargetCase> found = TargetCase();
  if ((target.starts_with(kOutputPrefix) ||
       target.starts_with(kVulnerabilityPrefix)) &&
      parts.target != nullptr) {
    found = parts.target->Describe(lease->get(), target, grant);
  } else if (target.starts_with(kDecisionPrefix) &&
             parts.decisions != nullptr) {
    // It may wait for the index of the log; nobody else waits for it.
    lease->GiveBack();
    found = parts.decisions->Find(target);
  }
  if (ReasonOf(found.status()) == v1::ERROR_REASON_NOT_FOUND) {
    TargetCase gone;
    gone.findings.emplace_back("what it is about is not kept any more");
    return gone;
  }
  return found;
}

void ReviewReads::OfCustomer(
    access::Caller caller, const v1::ListCustomerReviewsRequest& request,
    access::Done<v1::ListCustomerReviewsResponse> done) const {
  access::AnswerAudited<v1::ListCustomerReviewsResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListCustomerReviewsResponse> {
        const ReviewParts& desk = options_.desk->parts();
        const int64_t now_us = entry->leaf.time_us();
        CONSENTRY_ASSIGN_OR_RETURN(
            const ReviewDesk::Named named,
            options_.desk->NameOf(caller, request.subject()));
        const std::string query_hash =
            desk.digests->Of(clients::CanonicalBytes(request.subject()));
        const std::string requester = clients::RequesterOf(caller);
        int64_t below = INT64_MAX;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              requester, query_hash, request.page_token(), now_us);
          if (!position.ok() || !absl::SimpleAtoi(*position, &below)) {
            return WrongPage();
          }
        }
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.readers->Acquire());
        v1::ListCustomerReviewsResponse response;
        vault::SubjectReader::HeadOptions options;
        options.as_of_change = desk.committer->LastStored();
        options.past_cache = true;
        absl::StatusOr<std::vector<std::shared_ptr<const vault::CachedSubject>>>
            group = absl::NotFoundError("");
        if (named.subject != 0) {
          group = desk.subjects->ReadGroup(lease.get(), named.subject, options);
        }
        // Whoever asked about a name that nobody bears sees that all the same.
        CONSENTRY_ASSIGN_OR_RETURN(
            std::vector<ReviewRow> rows,
            options_.desk->rows().OfNobody(lease.get(), named.keys,
                                           kRowsOfCustomer + 1, below));
        const policy::Bundle& bundle = options_.parts.configuration()->bundle();
        CONSENTRY_ASSIGN_OR_RETURN(const crypto::Grant grant,
                                   access::RightsGrant(bundle));
        entry->leaf.set_purpose(std::string(grant.purpose()));
        if (absl::IsNotFound(group.status())) {
          entry->Tell(nullptr, desk.log_origin, now_us);
          group = std::vector<std::shared_ptr<const vault::CachedSubject>>();
        }
        CONSENTRY_RETURN_IF_ERROR(group.status());
        for (const auto& member : *group) {
          entry->Tell(member.get(), desk.log_origin, now_us);
          CONSENTRY_ASSIGN_OR_RETURN(
              auto found,
              options_.desk->rows().OfSubject(lease.get(), member->subject(),
                                              kRowsOfCustomer + 1, below));
          std::move(found.begin(), found.end(), std::back_inserter(rows));
        }
        std::sort(
            rows.begin(), rows.end(),
            [](const ReviewRow& a, const ReviewRow& b) { return a.no > b.no; });
        const int32_t size =
            request.page_size() == 0
                ? kDefaultPage
                : std::min(request.page_size(), kMaxCustomerPage);
        size_t looked = 0;
        for (const ReviewRow& row : rows) {
          if (response.reviews_size() >= size || looked >= kRowsOfCustomer) {
            CONSENTRY_ASSIGN_OR_RETURN(
                *response.mutable_next_page_token(),
                options_.page_tokens->Seal(requester, query_hash,
                                           absl::StrCat(below), now_us));
            break;
          }
          ++looked;
          below = row.no;
          if (!caller.IsCustomer() &&
              !IsAskedForBy(caller.client_id, row.doc)) {
            continue;
          }
          CONSENTRY_ASSIGN_OR_RETURN(
              const auto words,
              options_.desk->rows().OpenWords(lease.get(), grant, row));
          v1::CustomerReview* const shown = response.add_reviews();
          *shown = OfHers(row.doc, words, now_us);
          // It knows what it sent; of a name that nobody bears nothing is kept.
          if (!caller.IsCustomer()) shown->clear_statements();
        }
        return response;
      },
      std::move(done));
}

void ReviewReads::Figures(access::Caller caller,
                          const v1::GetReviewFiguresRequest& request,
                          access::Done<v1::ReviewFigures> done) const {
  access::AnswerAudited<v1::ReviewFigures>(
      options_.parts, caller,
      [this, request](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::ReviewFigures> {
        const ReviewDesk& desk = *options_.desk;
        const int64_t now_us = options_.parts.committer->NowUs();
        entry->leaf.set_released_nothing(true);
        const int64_t to_us =
            request.has_to_time() ? MicrosOf(request.to_time()) : now_us + 1;
        const int64_t from_us = request.has_from_time()
                                    ? MicrosOf(request.from_time())
                                    : now_us - kDefaultSpanUs;
        FigureCounter counter(from_us, to_us, now_us);
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.parts().readers->Acquire());
        // A time-out in the span may be of a review that was decided later.
        for (const auto& [open, first] :
             {std::pair{true, INT64_MIN}, {false, from_us / kUsPerHour}}) {
          ReviewPlace place;
          for (bool more = true; more;) {
            CONSENTRY_ASSIGN_OR_RETURN(
                const auto rows,
                desk.rows().ByHour(lease.get(), open, first, INT64_MAX, place,
                                   kRowsAtOnce, &place, &more));
            for (const ReviewRow& row : rows) counter.Add(row.doc);
          }
        }
        return counter.Result();
      },
      std::move(done));
}

}  // namespace consentry::review
