#include "gateway/rights/case_reads.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/access/rights_grant.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr int32_t kDefaultPage = 50;
constexpr int32_t kMaxPage = 1000;
// Looked at for one page before it is answered short.
constexpr size_t kRowsPerPage = 4000;

absl::Status WrongPage() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not of this query, or too old");
}

size_t PageSize(int32_t asked) {
  return static_cast<size_t>(asked == 0 ? kDefaultPage
                                        : std::min(asked, kMaxPage));
}

std::string FormatPlace(const CasePlace& place) {
  return absl::StrCat(place.open ? 1 : 0, ":", place.due_hour, ":",
                      place.case_no);
}

bool ParsePlace(std::string_view text, CasePlace* place) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(text.data(), text.size()), ':');
  if (parts.size() != 3) return false;
  const auto number = [](const std::string& part, int64_t* value) {
    return std::from_chars(part.data(), part.data() + part.size(), *value).ec ==
           std::errc();
  };
  int64_t open = 0;
  if (!number(parts[0], &open) || !number(parts[1], &place->due_hour) ||
      !number(parts[2], &place->case_no)) {
    return false;
  }
  place->open = open == 1;
  return true;
}

// Whom a request names; none when nobody does.
absl::StatusOr<std::optional<uint64_t>> FindSubject(
    const CaseDesk& desk, store::Connection* connection,
    const access::Caller& caller, const v1::SubjectRef& ref) {
  if (caller.IsCustomer()) return caller.customer();
  if (ref.ref_case() == v1::SubjectRef::kPseudonym) {
    const auto subject = desk.options().tokens->Decode(
        crypto::TokenKind::kPseudonym, ref.pseudonym(), caller.client_id);
    if (subject.ok()) return std::optional<uint64_t>(*subject);
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "the pseudonym is not one of this caller");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                             desk.options().subjects->MakeKey(ref));
  return desk.options().subjects->Resolve(connection, key);
}

// The question is about her, so it is an entry about her.
void TellAbout(const CaseDesk& desk, store::Connection* connection,
               uint64_t subject, int64_t now_us, access::AnswerEntry* entry) {
  if (subject == 0) {
    entry->Tell(nullptr, desk.options().log_origin, now_us);
    return;
  }
  const auto head = desk.options().subjects->ReadHead(connection, subject, {});
  entry->Tell(head.ok() ? head->get() : nullptr, desk.options().log_origin,
              now_us);
}

}  // namespace

void CaseReads::Get(access::Caller caller,
                    const v1::GetRightsCaseRequest& request,
                    access::Done<v1::RightsCase> done) const {
  access::AnswerAudited<v1::RightsCase>(
      options_.parts, caller,
      [this, caller, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::RightsCase> {
        const CaseDesk& desk = *options_.desk;
        const auto unknown = [] {
          return MakeError(v1::ERROR_REASON_NOT_FOUND, "no case has this id");
        };
        const auto parsed = crypto::ParseId(crypto::IdKind::kRightsRequest, id);
        if (!parsed.ok()) return unknown();
        CONSENTRY_ASSIGN_OR_RETURN(auto lease,
                                   desk.options().readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(const CaseRow row,
                                   desk.rows().Read(lease.get(), *parsed));
        CONSENTRY_RETURN_IF_ERROR(desk.MaySee(caller, row));
        entry->leaf.add_details("case=" + id);
        TellAbout(desk, lease.get(), row.subject,
                  options_.parts.committer->NowUs(), entry);
        v1::RightsCase shown = desk.Show(caller, row.doc);
        const auto configuration = options_.parts.configuration();
        if (row.doc.has_words() &&
            (caller.IsCustomer() || !IsService(*configuration, caller))) {
          CONSENTRY_ASSIGN_OR_RETURN(
              const crypto::Grant grant,
              access::RightsGrant(configuration->bundle()));
          CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                                     desk.rows().OpenWords(grant, row));
          shown.set_statement(words.statement());
          entry->leaf.set_purpose(std::string(grant.purpose()));
        }
        return shown;
      },
      std::move(done));
}

absl::StatusOr<v1::ListRightsCasesResponse> CaseReads::FindCases(
    const access::Caller& caller, const v1::ListRightsCasesRequest& request,
    access::AnswerEntry* entry) const {
  const CaseDesk& desk = *options_.desk;
  const int64_t now_us = options_.parts.committer->NowUs();
  v1::ListRightsCasesRequest query = request;
  query.clear_page_size();
  query.clear_page_token();
  query.clear_context();
  const std::string query_hash =
      desk.options().digests->Of(clients::CanonicalBytes(query));
  const std::string requester = clients::RequesterOf(caller);
  CasePlace place;
  if (!request.page_token().empty()) {
    const auto position = options_.page_tokens->Open(
        requester, query_hash, request.page_token(), now_us);
    if (!position.ok() || !ParsePlace(*position, &place)) return WrongPage();
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, desk.options().readers->Acquire());
  CaseFilter filter;
  filter.kind = request.kind();
  filter.state = request.state();
  if (request.has_due_before()) {
    filter.due_before_hour = MicrosOf(request.due_before()) / kUsPerHour;
  }
  v1::ListRightsCasesResponse page;
  if (caller.IsCustomer() || request.has_subject()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto subject,
        FindSubject(desk, lease.get(), caller, request.subject()));
    TellAbout(desk, lease.get(), subject.value_or(0), now_us, entry);
    if (!subject || *subject == 0) return page;
    filter.subject = *subject;
  }
  const size_t size = PageSize(request.page_size());
  size_t seen = 0;
  bool more = true;
  while (more && static_cast<size_t>(page.rights_cases_size()) < size &&
         seen < kRowsPerPage) {
    const size_t room = size - static_cast<size_t>(page.rights_cases_size());
    const CasePlace before = place;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto rows,
        desk.rows().List(lease.get(), filter, place, room, &place));
    more = place.case_no != before.case_no;
    seen += room;
    for (const CaseRow& row : rows) {
      if (!desk.MaySee(caller, row).ok()) continue;
      *page.add_rights_cases() = desk.Show(caller, row.doc, /*steps=*/false);
    }
  }
  if (more) {
    CONSENTRY_ASSIGN_OR_RETURN(
        *page.mutable_next_page_token(),
        options_.page_tokens->Seal(requester, query_hash, FormatPlace(place),
                                   now_us));
  }
  return page;
}

void CaseReads::List(access::Caller caller,
                     const v1::ListRightsCasesRequest& request,
                     access::Done<v1::ListRightsCasesResponse> done) const {
  access::AnswerAudited<v1::ListRightsCasesResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry* entry) {
        return FindCases(caller, request, entry);
      },
      std::move(done));
}

void CaseReads::ListAgents(access::Caller caller,
                           const v1::ListAgentsRequest& request,
                           access::Done<v1::ListAgentsResponse> done) const {
  access::AnswerAudited<v1::ListAgentsResponse>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListAgentsResponse> {
        const CaseDesk& desk = *options_.desk;
        const int64_t now_us = options_.parts.committer->NowUs();
        CONSENTRY_ASSIGN_OR_RETURN(auto lease,
                                   desk.options().readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto subject,
            FindSubject(desk, lease.get(), caller, request.subject()));
        v1::ListAgentsResponse page;
        TellAbout(desk, lease.get(), subject.value_or(0), now_us, entry);
        if (!subject) return page;
        const auto head =
            desk.options().subjects->ReadHead(lease.get(), *subject, {});
        if (absl::IsNotFound(head.status())) return page;
        CONSENTRY_RETURN_IF_ERROR(head.status());
        const std::string bound =
            absl::StrCat("agents/", (*head)->head().public_id());
        const std::string requester = clients::RequesterOf(caller);
        int64_t after = 0;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              requester, bound, request.page_token(), now_us);
          if (!position.ok() ||
              std::from_chars(position->data(),
                              position->data() + position->size(), after)
                      .ec != std::errc()) {
            return WrongPage();
          }
        }
        int64_t next = 0;
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto agents,
            options_.agents->List(lease.get(), **head, after,
                                  PageSize(request.page_size()), &next));
        for (const v1::Agent& agent : agents) *page.add_agents() = agent;
        if (next != 0) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              options_.page_tokens->Seal(requester, bound, std::to_string(next),
                                         now_us));
        }
        return page;
      },
      std::move(done));
}

}  // namespace consentry::rights
