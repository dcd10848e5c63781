#include "gateway/access/audited_answer.h"

#include "gateway/crypto/subject_tag.h"

namespace consentry::access {

void AnswerEntry::Tell(const vault::CachedSubject* subject,
                       std::string_view log_origin, int64_t now_us) {
  const crypto::SubjectTag tag =
      subject == nullptr
          ? crypto::RandomTag()
          : crypto::ComputeSubjectTag(subject->keys(), log_origin,
                                      crypto::MonthOf(now_us));
  leaf.add_subjects()->set_tag(tag.data(), tag.size());
  subjects.push_back(subject == nullptr
                         ? store::SubjectVersion{}
                         : store::SubjectVersion{
                               static_cast<int64_t>(subject->keys().subject()),
                               subject->version()});
}

}  // namespace consentry::access
