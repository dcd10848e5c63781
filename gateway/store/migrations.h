#ifndef CONSENTRY_GATEWAY_STORE_MIGRATIONS_H_
#define CONSENTRY_GATEWAY_STORE_MIGRATIONS_H_

#include <span>
#include <string_view>

namespace consentry::store {

// Data definitions by version: the element i brings a store from version i to
// i + 1. Statements end with ';'; tokens are those of Engine::Dialect. What has
// been released is never edited: a correction is the next element.
std::span<const std::string_view> Migrations();

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_MIGRATIONS_H_
