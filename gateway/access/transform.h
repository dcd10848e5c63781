#ifndef CONSENTRY_GATEWAY_ACCESS_TRANSFORM_H_
#define CONSENTRY_GATEWAY_ACCESS_TRANSFORM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "consentry/v1/common.pb.h"

namespace consentry::access {

// What a transform needs besides the value.
struct TransformContext {
  // Time of the decision, microseconds since the epoch, UTC. Ages are counted
  // on its UTC day.
  int64_t now_us = 0;
  // A token of a text that this caller alone can compare. Needed by PSEUDONYM.
  std::function<std::string(std::string_view)> pseudonym;
};

// Reduces `value` by `transform`. The result keeps the type where the transform
// allows it; bands, months and regions are texts, years are numbers. nullopt:
// the value cannot be reduced this way (a malformed date, a type that the
// transform does not know) and must not be released. Pure.
//
// Ages: completed years on the UTC day, as in Regulation (EEC, Euratom)
// 1182/71; someone born on 29 February ages on 1 March of common years.
std::optional<v1::Value> ApplyTransform(v1::Transform transform,
                                        const v1::Value& value,
                                        const TransformContext& context);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_TRANSFORM_H_
