#include "policy/fairness/plots.h"

namespace consentry::policy::fairness {

std::string PlotStyle() {
  return ".plot{margin:1rem 0 1.5rem}"
         ".prow{display:grid;grid-template-columns:11rem minmax(8rem,1fr) "
         "17rem;gap:0 .9rem;align-items:center;break-inside:avoid}"
         ".plabel{font-size:.9rem;overflow-wrap:anywhere}"
         ".ptext{font-size:.85rem;line-height:1.3;padding:.15rem 0;"
         "font-variant-numeric:tabular-nums}"
         ".prow svg{display:block;width:100%;overflow:visible}"
         ".prow line,.prow path{vector-effect:non-scaling-stroke}"
         // The band has edges, since grey print may lose its shade.
         ".band{fill:#e3efe6}.edge{stroke:#6f9580;stroke-width:1}"
         ".eq{stroke:#5a6676;stroke-width:1;stroke-dasharray:3 3}"
         ".grid{stroke:#e6eaef;stroke-width:1}"
         ".w{stroke-width:2}.v{stroke-width:7}"
         ".plain .w,.plain .v{stroke:#2f5f9e}.ref .w,.ref .v{stroke:#1c2430}"
         ".out .w,.out .v{stroke:#b3261e}.in .w,.in .v{stroke:#1b7f4b}"
         ".out .w{stroke-width:4}"
         ".few .w,.few .v{stroke:#6b7480}.few .w{stroke-dasharray:6 4}"
         ".bar{fill:#7d9cc6}.hid{fill:none;stroke:#8b96a5;stroke-width:1;"
         "stroke-dasharray:3 3;vector-effect:non-scaling-stroke}"
         ".base{stroke:#8b96a5;stroke-width:1}"
         ".area{fill:#7d9cc6;fill-opacity:.35;stroke:#2f5f9e;stroke-width:1}"
         ".mid{fill:none;stroke:#1c2430;stroke-width:1.5}"
         ".bars .prow,.curves .prow{margin-bottom:.5rem}"
         // Numbers of an upright axis stand inside of the drawing.
         ".up{position:relative}.up span{position:absolute;left:.15rem;"
         "transform:translateY(-50%);font-size:.7rem;line-height:1;"
         "color:#3d4857;background:#fffc;padding:0 .1rem}"
         ".axis{margin-top:.2rem;break-before:avoid}"
         ".ticks{position:relative;height:1.3rem;border-top:1px solid #8b96a5;"
         "font-size:.78rem;color:#3d4857}"
         ".ticks span{position:absolute;top:.1rem;white-space:nowrap}"
         ".tag{font-weight:600}.tag.out{color:#b3261e}.tag.in{color:#1b7f4b}"
         ".tag.few{color:#5a6676}"
         "@media(max-width:44rem){.prow{grid-template-columns:minmax(0,1fr);"
         "gap:0;margin-bottom:.7rem}.axis{margin-bottom:1rem}"
         ".plabel{font-weight:600}.plabel .quiet{font-weight:400}}"
         "@media print{.prow{grid-template-columns:9rem 1fr 14rem}"
         ".plot{break-inside:avoid}"
         "svg *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";
}

}  // namespace consentry::policy::fairness
