#include "tools/consentry/samples/places.h"

namespace consentry::tools {
namespace {

constexpr std::string_view kGivenDe[] = {
    "Anna",   "Bernd",  "Clara", "Dieter", "Eva",    "Frank", "Greta", "Heike",
    "Ines",   "Jürgen", "Karin", "Lukas",  "Monika", "Niels", "Olga",  "Paul",
    "Renate", "Sören",  "Tanja", "Uwe",    "Vera",   "Werner"};
constexpr std::string_view kFamilyDe[] = {
    "Bäcker",  "Fischer",  "Gärtner", "Hoffmann", "Jäger",      "Köhler",
    "Lehmann", "Müller",   "Neumann", "Peters",   "Richter",    "Schäfer",
    "Schmidt", "Schröder", "Vogel",   "Weber",    "Zimmermann", "Krüger"};
constexpr std::string_view kStreetDe[] = {"Hauptstraße", "Gartenweg",
                                          "Am Mühlbach", "Bahnhofstraße",
                                          "Lindenallee", "Kirchgasse"};
constexpr SampleTown kTownDe[] = {{"Berlin", "10###"},  {"München", "80###"},
                                  {"Köln", "50###"},    {"Hamburg", "20###"},
                                  {"Leipzig", "04###"}, {"Stuttgart", "70###"}};
constexpr SampleTown kTownAt[] = {
    {"Wien", "10##"}, {"Graz", "80##"}, {"Linz", "40##"}};

constexpr std::string_view kGivenFr[] = {
    "Adèle",    "Bruno",  "Chloé",  "Denis", "Élise",   "Fabien", "Hélène",
    "Isabelle", "Jérôme", "Karine", "Louis", "Margaux", "Noël",   "Odile",
    "Pierre",   "René",   "Sylvie", "Théo",  "Valérie", "Yves"};
constexpr std::string_view kFamilyFr[] = {
    "Bernard",  "Chevalier", "Dubois", "Durand",  "Fontaine", "Garnier",
    "Girard",   "Lefèvre",   "Martin", "Mercier", "Moreau",   "Petit",
    "Rousseau", "Roux",      "Simon",  "Thévenin"};
constexpr std::string_view kStreetFr[] = {"rue des Écoles", "avenue de la Gare",
                                          "place du Marché", "rue du Moulin",
                                          "boulevard Voltaire"};
constexpr SampleTown kTownFr[] = {{"Paris", "750##"},
                                  {"Lyon", "690##"},
                                  {"Marseille", "130##"},
                                  {"Lille", "590##"},
                                  {"Nîmes", "300##"}};

constexpr std::string_view kGivenEs[] = {"Ana",   "Begoña", "Carlos", "Elena",
                                         "Íñigo", "José",   "Lucía",  "María",
                                         "Pablo", "Raúl",   "Sofía",  "Víctor"};
constexpr std::string_view kFamilyEs[] = {"García",  "López",  "Martínez",
                                          "Núñez",   "Pérez",  "Ruiz",
                                          "Sánchez", "Torres", "Vázquez"};
constexpr std::string_view kStreetEs[] = {"calle Mayor", "paseo del Río",
                                          "avenida de España"};
constexpr SampleTown kTownEs[] = {{"Madrid", "280##"},
                                  {"Málaga", "290##"},
                                  {"Sevilla", "410##"},
                                  {"León", "240##"}};

constexpr std::string_view kGivenIt[] = {"Alba",  "Bruno", "Carla",  "Dario",
                                         "Elisa", "Fabio", "Giulia", "Luca",
                                         "Marta", "Nicolò"};
constexpr std::string_view kFamilyIt[] = {"Bianchi", "Colombo", "Conti",
                                          "Ferrari", "Gallo",   "Ricci",
                                          "Rossi",   "Russo"};
constexpr std::string_view kStreetIt[] = {"via Roma", "via Garibaldi",
                                          "corso Italia"};
constexpr SampleTown kTownIt[] = {
    {"Milano", "201##"}, {"Torino", "101##"}, {"Bologna", "401##"}};

constexpr std::string_view kGivenNl[] = {"Anneke", "Bram",  "Daan",   "Femke",
                                         "Jeroen", "Lotte", "Maaike", "Sander"};
constexpr std::string_view kFamilyNl[] = {
    "Bakker", "de Boer", "de Vries", "Jansen", "Smit", "van Dijk", "Visser"};
constexpr std::string_view kStreetNl[] = {"Dorpsstraat", "Kerkweg",
                                          "Molenlaan"};
constexpr SampleTown kTownNl[] = {{"Utrecht", "35## AB"},
                                  {"Rotterdam", "30## BC"}};

constexpr std::string_view kGivenSe[] = {"Åsa",  "Björn", "Göran", "Karin",
                                         "Lars", "Märta", "Nils",  "Sara"};
constexpr std::string_view kFamilySe[] = {"Andersson", "Berg",  "Lindström",
                                          "Nilsson",   "Öberg", "Sjöberg"};
constexpr std::string_view kStreetSe[] = {"Storgatan", "Skolvägen"};
constexpr SampleTown kTownSe[] = {{"Stockholm", "11# ##"},
                                  {"Göteborg", "41# ##"}};

constexpr std::string_view kGivenEn[] = {
    "Alice",  "Brian", "Carol", "Daniel", "Emily", "Fred",  "Grace",
    "Harry",  "Irene", "James", "Karen",  "Laura", "Mark",  "Nancy",
    "Oliver", "Peter", "Rose",  "Simon",  "Tina",  "Victor"};
constexpr std::string_view kFamilyEn[] = {
    "Archer",   "Baker", "Carter", "Cooper", "Foster", "Gardner",
    "Hunter",   "Mason", "Miller", "Parker", "Porter", "Sawyer",
    "Shepherd", "Smith", "Taylor", "Turner", "Walker", "O'Brien"};
constexpr std::string_view kStreetGb[] = {"High Street", "Church Lane",
                                          "Station Road", "Mill Close"};
constexpr SampleTown kTownGb[] = {{"London", "N1 #AB"},
                                  {"Leeds", "LS1 #CD"},
                                  {"Bristol", "BS1 #EF"},
                                  {"Cardiff", "CF10 #GH"}};

constexpr std::string_view kStreetUs[] = {"Oak Street", "Maple Avenue",
                                          "Second Street", "Lake Drive"};
constexpr SampleTown kTownCa[] = {{"San Francisco", "9411#"},
                                  {"Los Angeles", "9001#"},
                                  {"Sacramento", "9581#"}};
constexpr SampleTown kTownVa[] = {{"Richmond", "2322#"},
                                  {"Arlington", "2220#"}};
constexpr SampleTown kTownNy[] = {{"New York", "1001#"}, {"Albany", "1220#"}};
constexpr SampleTown kTownTx[] = {{"Austin", "7870#"}, {"Houston", "7700#"}};

// Numbers for fiction: Bundesnetzagentur (030 23125 000-999), ARCEP (01 99 00),
// Ofcom (020 7946 0000-0999), NANPA (555-0100 to 0199).
constexpr SamplePlace kPlaces[] = {
    {"DE", "de", 270, kGivenDe, kFamilyDe, kStreetDe, kTownDe, "+493023125###"},
    {"AT", "de", 40, kGivenDe, kFamilyDe, kStreetDe, kTownAt, ""},
    {"FR", "fr", 150, kGivenFr, kFamilyFr, kStreetFr, kTownFr, "+3319900####"},
    {"ES", "es", 90, kGivenEs, kFamilyEs, kStreetEs, kTownEs, ""},
    {"IT", "it", 60, kGivenIt, kFamilyIt, kStreetIt, kTownIt, ""},
    {"NL", "nl", 50, kGivenNl, kFamilyNl, kStreetNl, kTownNl, ""},
    {"SE", "sv", 30, kGivenSe, kFamilySe, kStreetSe, kTownSe, ""},
    {"GB", "en", 130, kGivenEn, kFamilyEn, kStreetGb, kTownGb, "+442079460###"},
    {"US-CA", "en", 90, kGivenEn, kFamilyEn, kStreetUs, kTownCa,
     "+141555501##"},
    {"US-VA", "en", 50, kGivenEn, kFamilyEn, kStreetUs, kTownVa,
     "+180455501##"},
    {"US-NY", "en", 20, kGivenEn, kFamilyEn, kStreetUs, kTownNy,
     "+121255501##"},
    {"US-TX", "en", 20, kGivenEn, kFamilyEn, kStreetUs, kTownTx,
     "+151255501##"},
};

}  // namespace

absl::Span<const SamplePlace> SamplePlaces() { return kPlaces; }

}  // namespace consentry::tools
