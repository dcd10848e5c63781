#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENING_WORDS_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENING_WORDS_H_

#include <string>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/screening/verdict.h"
#include "policy/conduct/conduct.h"

// How verdicts are kept, logged and told. Pure.
namespace consentry::screening {

// "released", "not_permitted".
std::string VerdictWord(v1::Verdict verdict);
std::string ClassWord(v1::VerdictClass verdict_class);

// For the entry: verdict, class and the rules behind it.
void TellVerdict(const Outcome& outcome, store::v1::Leaf* leaf);

// Rules or monitors behind something, the first 64.
void TellRules(const std::vector<std::string>& rules, store::v1::Leaf* leaf);

// For the row.
void KeepVerdict(const Outcome& outcome, const conduct::Judgement& judgement,
                 store::v1::ScreeningDoc* doc);

// What is owed beside an output that is released, or may be; of one that is
// blocked nothing.
std::vector<v1::OutputDuty> DutiesOf(const store::v1::ScreeningDoc& doc);

// For its engine: nothing about the customer but a class, and what law asks of
// whoever delivers it.
v1::ScreenOutputResponse AnswerOf(const store::v1::ScreeningDoc& doc);

// For compliance staff, without the words of the output: all of it.
v1::Screening ShowScreening(const store::v1::ScreeningDoc& doc,
                            const std::string& subject_id);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENING_WORDS_H_
