#include "tools/consentry/samples/people.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {
namespace {

template <class T>
const T& Pick(absl::Span<const T> list, SampleRandom* random) {
  return list[random->Below(list.size())];
}

std::string FillDigits(std::string_view pattern, SampleRandom* random) {
  std::string out;
  for (const char c : pattern) {
    out.push_back(c == '#' ? static_cast<char>('0' + random->Below(10)) : c);
  }
  return out;
}

// The `index`-th number of a block, or nothing when it is used up.
std::string PhoneOf(std::string_view block, size_t index) {
  std::string out(block);
  for (size_t i = out.size(); i > 0; --i) {
    if (out[i - 1] != '#') continue;
    out[i - 1] = static_cast<char>('0' + index % 10);
    index /= 10;
  }
  return index == 0 ? out : "";
}

const SamplePlace& DrawPlace(SampleRandom* random) {
  int at = static_cast<int>(random->Below(1000));
  for (const SamplePlace& place : SamplePlaces()) {
    if (at < place.share) return place;
    at -= place.share;
  }
  return SamplePlaces()[0];
}

const SamplePlace* FindPlace(std::string_view residence) {
  for (const SamplePlace& place : SamplePlaces()) {
    if (place.residence == residence) return &place;
  }
  return &SamplePlaces()[0];
}

absl::CivilDay DayBefore(absl::CivilDay today, size_t most,
                         SampleRandom* random) {
  return today - static_cast<int64_t>(1 + random->Below(most));
}

class Maker {
 public:
  Maker(absl::CivilDay today, SampleRandom* random)
      : today_(today), random_(random) {}

  SamplePerson Draw(int number, const SamplePlace& place) {
    SamplePerson person;
    person.number = number;
    person.place = &place;
    person.given_name = std::string(Pick(place.given_names, random_));
    person.family_name = std::string(Pick(place.family_names, random_));
    const SampleTown& town = Pick(place.towns, random_);
    person.town = std::string(town.name);
    person.postal_code = FillDigits(town.postal_code, random_);
    const std::string house = absl::StrCat(1 + random_->Below(98));
    const std::string street(Pick(place.streets, random_));
    const bool number_first = place.language == "fr" || place.language == "en";
    person.street = number_first ? absl::StrCat(house, " ", street)
                                 : absl::StrCat(street, " ", house);
    if (!place.phone.empty() && !random_->Percent(12)) {
      person.phone = PhoneOf(place.phone, phones_[place.phone]++);
    }
    // One in thirty is a minor.
    const size_t age = random_->Percent(3.3) ? 13 + random_->Below(5)
                                             : 18 + random_->Below(68);
    person.birth = DayBefore(today_ - static_cast<int64_t>(age * 365 + age / 4),
                             360, random_);
    person.since = DayBefore(today_, 2400, random_);
    person.in_crm = random_->Percent(75);
    person.in_shop = random_->Percent(70);
    if (random_->Percent(35)) {
      person.card = absl::StrCat("L-", 700000 + number * 7);
    }
    if (!person.in_crm && !person.in_shop && person.card.empty()) {
      person.in_shop = true;
    }
    DrawChoices(&person);
    person.open_ticket = person.in_crm && random_->Percent(4);
    SetEmail(&person);
    return person;
  }

  void SetEmail(SamplePerson* person) {
    static constexpr std::string_view kDomains[] = {
        "example.com", "example.org", "example.net"};
    const std::string_view domain =
        kDomains[static_cast<size_t>(person->number) % 3];
    person->email = absl::StrCat(
        Fold(person->given_name), ".", Fold(person->family_name),
        person->number, "@", absl::string_view(domain.data(), domain.size()));
  }

 private:
  void DrawChoices(SamplePerson* person) {
    const size_t draw = random_->Below(100);
    if (draw < 32) {
      person->newsletter = SampleChoice::kGiven;
    } else if (draw < 43) {
      person->newsletter = SampleChoice::kWithdrawn;
    } else if (draw < 56) {
      person->newsletter = SampleChoice::kDeclined;
    }
    person->newsletter_day = DayBefore(today_, 900, random_);
    const std::string_view home = person->place->residence;
    const double share = home == "US-CA" ? 35 : home == "US-VA" ? 15 : 0;
    person->do_not_sell = person->in_shop && random_->Percent(share);
    person->do_not_sell_day = DayBefore(today_, 700, random_);
  }

  const absl::CivilDay today_;
  SampleRandom* const random_;
  std::map<std::string_view, size_t> phones_;
};

struct Fixed {
  std::string_view residence;
  std::string_view given_name;
  std::string_view family_name;
  int age;
  SampleChoice newsletter;
  bool open_ticket;
};

// The people of the tour, in the order of their numbers.
constexpr Fixed kFixed[] = {
    {"DE", "Clara", "Gärtner", 37, SampleChoice::kNone, true},
    {"FR", "Hélène", "Moreau", 44, SampleChoice::kGiven, false},
    {"US-CA", "Daniel", "Porter", 51, SampleChoice::kNone, false},
    {"DE", "Lukas", "Weber", 15, SampleChoice::kGiven, false},
    {"US-VA", "Rose", "Turner", 62, SampleChoice::kNone, false},
    {"GB", "Emily", "Archer", 29, SampleChoice::kDeclined, false},
};

}  // namespace

std::vector<SamplePerson> MakeSamplePeople(int count, absl::CivilDay today,
                                           SampleRandom* random) {
  Maker maker(today, random);
  std::vector<SamplePerson> people;
  for (const Fixed& fixed : kFixed) {
    SamplePerson person = maker.Draw(static_cast<int>(people.size()) + 1,
                                     *FindPlace(fixed.residence));
    person.given_name = std::string(fixed.given_name);
    person.family_name = std::string(fixed.family_name);
    maker.SetEmail(&person);
    // Half a year past the birthday, whenever the sample is made.
    person.birth =
        today - (182 + int64_t{fixed.age} * 365 + int64_t{fixed.age} / 4);
    person.in_crm = true;
    person.in_shop = true;
    person.newsletter = fixed.newsletter;
    person.do_not_sell = false;
    person.open_ticket = fixed.open_ticket;
    people.push_back(std::move(person));
  }
  while (static_cast<int>(people.size()) < count) {
    SamplePerson person =
        maker.Draw(static_cast<int>(people.size()) + 1, DrawPlace(random));
    const SamplePerson& before = people.back();
    // Households: one name, one address, one telephone.
    if (people.size() > 10 && before.place == person.place &&
        random->Percent(20)) {
      person.family_name = before.family_name;
      person.phone = before.phone;
      person.street = before.street;
      person.postal_code = before.postal_code;
      person.town = before.town;
      maker.SetEmail(&person);
    }
    // Businesses buy under an address that many share.
    if (people.size() > 10 && random->Percent(1)) {
      person.email =
          random->Percent(50) ? "info@example.com" : "office@example.org";
    }
    people.push_back(std::move(person));
  }
  return people;
}

}  // namespace consentry::tools
