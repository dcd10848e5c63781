#ifndef CONSENTRY_TESTS_PROMISES_HOSTILE_REQUESTS_H_
#define CONSENTRY_TESTS_PROMISES_HOSTILE_REQUESTS_H_

#include <google/protobuf/message.h>

#include <functional>
#include <string>

namespace consentry::testing {

// Calls `use` with a copy of `base` for each text or bytes field that a message
// of its type can hold, however deep: the field holds `text(path)` there, and
// everything else is as in `base`. A path reads "subject.identifier.value".
void ForEachHostile(
    const google::protobuf::Message& base,
    const std::function<std::string(const std::string& path)>& text,
    const std::function<void(const std::string& path,
                             const google::protobuf::Message& request)>& use);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_HOSTILE_REQUESTS_H_
