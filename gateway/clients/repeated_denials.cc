#include "gateway/clients/repeated_denials.h"

#include <utility>

namespace consentry::clients {
namespace {

// NUL stands in none of the parts: ids, methods and purposes are ASCII words.
std::string Name(const RepeatedDenials::Key& key) {
  std::string name;
  for (const std::string_view part : {key.client, key.method, key.purpose}) {
    name.append(part);
    name.push_back('\0');
  }
  name.append(std::to_string(static_cast<int>(key.reason)));
  name.push_back('\0');
  name.append(std::to_string(key.subject));
  return name;
}

}  // namespace

bool RepeatedDenials::First(const Key& key, const store::v1::Leaf& leaf,
                            int64_t now_us) {
  std::string name = Name(key);
  MutexLock lock(&mu_);
  if (const auto it = kinds_.find(name); it != kinds_.end()) {
    ++it->second.count;
    return false;
  }
  if (kinds_.size() < kMaxKinds) {
    kinds_.emplace(std::move(name), Kind{now_us, 0, leaf});
  }
  return true;
}

std::vector<store::v1::Leaf> RepeatedDenials::Due(int64_t now_us) {
  std::vector<store::v1::Leaf> due;
  MutexLock lock(&mu_);
  for (auto it = kinds_.begin(); it != kinds_.end();) {
    Kind& kind = it->second;
    if (now_us - kind.since_us < kWindowUs) {
      ++it;
    } else if (kind.count == 0) {
      it = kinds_.erase(it);
    } else {
      due.push_back(kind.leaf);
      if (kind.count > 1) due.back().set_count(kind.count);
      kind.count = 0;
      kind.since_us = now_us;
      ++it;
    }
  }
  return due;
}

}  // namespace consentry::clients
