#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_READS_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_READS_H_

#include <string>

#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/rights/agent_book.h"
#include "gateway/rights/case_desk.h"

namespace consentry::rights {

// Cases and agents, read. Every answer is preceded by its entry, also that of a
// case that is not the caller's. What a customer wrote is shown for one case at
// a time, to staff and to herself. Work is done on the workers. Safe for many
// threads.
//
// Errors: NOT_FOUND, FIELD_INVALID, PAGE_TOKEN_INVALID, those of
// access::AnswerAudited.
class CaseReads {
 public:
  struct Options {
    // All outlive the object.
    access::AnswerParts parts;
    const CaseDesk* desk = nullptr;
    const AgentBook* agents = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
  };
  explicit CaseReads(Options options) : options_(std::move(options)) {}

  void Get(access::Caller caller, const v1::GetRightsCaseRequest& request,
           access::Done<v1::RightsCase> done) const;
  void List(access::Caller caller, const v1::ListRightsCasesRequest& request,
            access::Done<v1::ListRightsCasesResponse> done) const;
  void ListAgents(access::Caller caller, const v1::ListAgentsRequest& request,
                  access::Done<v1::ListAgentsResponse> done) const;

 private:
  absl::StatusOr<v1::ListRightsCasesResponse> FindCases(
      const access::Caller& caller, const v1::ListRightsCasesRequest& request,
      access::AnswerEntry* entry) const;

  const Options options_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_READS_H_
