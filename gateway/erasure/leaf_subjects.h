#ifndef CONSENTRY_GATEWAY_ERASURE_LEAF_SUBJECTS_H_
#define CONSENTRY_GATEWAY_ERASURE_LEAF_SUBJECTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/store/change.h"

namespace consentry::erasure {

// One more customer of an entry, in the order in which the change touches them;
// `keys` as they are after the change.
inline void TellSubject(const store::ChangeContext& context,
                        const crypto::SubjectKeys& keys,
                        std::string_view log_origin,
                        const std::vector<std::string>& changes,
                        store::v1::Leaf* leaf) {
  const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
      keys, log_origin, crypto::MonthOf(context.now_us()));
  store::v1::LeafSubject* told = leaf->add_subjects();
  told->set_tag(tag.data(), tag.size());
  told->set_version(static_cast<uint64_t>(context.number()));
  for (const std::string& change : changes) told->add_changes(change);
}

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_LEAF_SUBJECTS_H_
