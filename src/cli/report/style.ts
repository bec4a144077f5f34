/** The style sheet of the report: system fonts, the pigments as variables, light, dark and paper. */
export const STYLE = `
:root{color-scheme:light dark;
--paper:#faf7f1;--card:#fffefb;--ink:#211e2b;--muted:#645e6c;--line:#ebe4d8;--rule:#bcb3a5;--wash:#f1ebdf;
--ultramarine:#33509c;--viridian:#23735f;--ochre:#a9690c;--vermilion:#b8402c;--slate:#7d7787;--plum:#7d3f86;
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"URW Palladio L","Book Antiqua",Georgia,serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Liberation Sans",Arial,sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media screen and (prefers-color-scheme:dark){:root{
--paper:#17161d;--card:#1f1d27;--ink:#efebf4;--muted:#aba5b7;--line:#312e3c;--rule:#5b5668;--wash:#262430;
--ultramarine:#93abff;--viridian:#66c8ad;--ochre:#e3ad52;--vermilion:#ff8f79;--slate:#a29cae;--plum:#d9a0e0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 var(--sans);overflow-wrap:break-word}
.hero>*,nav ol,main,footer{max-width:47rem;margin-inline:auto;padding-inline:1.25rem}
h1,h2,h3{font-family:var(--serif);font-weight:600;line-height:1.15;text-wrap:balance;letter-spacing:-.01em}
h1{font-size:clamp(2.2rem,6.2vw,3.5rem);margin:.2em 0 .4em}
h2{font-size:clamp(1.6rem,4.4vw,2.15rem);margin:0}
h3{font-size:1.3rem;margin:2rem 0 .6rem}
p{margin:.8em 0}
a{color:var(--ultramarine)}
small{font-size:.8em}
dfn{font-style:italic;font-weight:600}
.lead{font-size:1.19rem;line-height:1.5}
.note{color:var(--muted);font-size:.9rem;line-height:1.5}
.line{display:block}
.hero{background:linear-gradient(var(--wash),var(--paper));padding:clamp(1.5rem,5vw,4rem) 0 1rem}
.hero .opening{display:grid;grid-template-columns:1fr minmax(9rem,15rem);gap:2rem;align-items:center;max-width:62rem}
.eyebrow{margin:0;color:var(--vermilion);font-weight:700;font-size:.85rem;letter-spacing:.12em;text-transform:uppercase}
.portrait{width:100%;height:auto;color:var(--ink)}
.portrait .glaze ellipse{opacity:.17}
.hero .tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:.9rem;max-width:62rem;margin-block:1.5rem 0;list-style:none}
.tiles li{display:flex;flex-direction:column;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.1rem 1rem}
.tiles .figure{font:600 2.05rem/1.1 var(--serif);font-variant-numeric:lining-nums;white-space:nowrap}
.tiles .name{font-weight:600;margin:.15rem 0 .35rem}
.tiles .detail{color:var(--muted);font-size:.88rem;line-height:1.4}
.meter{display:block;height:6px;margin-top:.4rem;border-radius:3px;background:var(--line);overflow:hidden}
.meter span{display:block;height:100%;border-radius:3px}
td .meter{min-width:4.5rem}
nav{position:sticky;top:0;z-index:1;background:var(--paper);border-bottom:1px solid var(--line)}
nav ol{display:flex;gap:.2rem 1.3rem;max-width:62rem;margin-block:0;padding-block:.65rem;list-style:none;overflow-x:auto;counter-reset:step;font-size:.92rem;white-space:nowrap}
nav li{counter-increment:step}
nav a{color:var(--ink);text-decoration:none}
nav a::before{content:counter(step) " ";color:var(--vermilion);font-weight:700}
nav a:hover,nav a:focus-visible{text-decoration:underline}
section{padding-top:4.2rem;scroll-margin-top:1rem}
section>header{display:flex;align-items:center;gap:.9rem}
.step{flex:none;display:grid;place-items:center;width:2.4rem;height:2.4rem;border-radius:50%;background:var(--ink);color:var(--paper);font:600 1.15rem/1 var(--serif);font-variant-numeric:lining-nums}
figure,.card,.callout,.scroll,.facts,.split,.journey{margin:1.5rem 0}
figure{padding:1.1rem 1.2rem .7rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
figcaption{margin-bottom:.5rem;line-height:1.35}
.badge{display:inline-block;padding:.05rem .6rem;border:1px solid var(--vermilion);border-radius:99px;color:var(--vermilion);font-size:.85rem;font-style:italic;white-space:nowrap}
.chart svg{display:block;max-width:100%;height:auto;margin-inline:auto;overflow:visible}
.chart text{font-family:var(--sans);font-variant-numeric:tabular-nums}
.chart .narrow{display:none}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0 .8rem;padding:0;list-style:none;font-size:.9rem}
.legend li{display:flex;align-items:center;gap:.45rem}
.legend b{font-weight:600;font-variant-numeric:tabular-nums}
.key{flex:none;width:.8rem;height:.8rem;background:var(--key)}
.key.dot{border-radius:50%}
.key.triangle{clip-path:polygon(50% 0,100% 100%,0 100%)}
.key.diamond{transform:rotate(45deg) scale(.78)}
.key.hollow{background:none;border:2px solid var(--key);transform:rotate(45deg) scale(.78)}
.key.line,.key.dashes,.key.dots{width:1.5rem;height:0;background:none;border-top:2.5px solid var(--key)}
.key.dashes{border-top-style:dashed}
.key.dots{border-top-style:dotted}
.smalls{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1rem}
.smalls figure{margin:0;font-size:.92rem}
.smalls .note{font-size:.84rem;line-height:1.4}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 1.4rem;align-items:stretch}
.card{padding:1.3rem 1.4rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
.card>h3:first-child{margin-top:0}
.card figure{background:none;border:0;padding:0}
.yes ul,.no ul{margin:0;padding-left:1.1rem}
.yes li,.no li{margin:.55rem 0;line-height:1.5}
.card>details:last-child{margin-bottom:0;border-bottom:0}
details+details{margin-top:-1rem;border-top:0}
.yes{border-top:4px solid var(--viridian)}
.no{border-top:4px solid var(--vermilion)}
.callout{padding:.2rem 1.2rem;border-left:4px solid var(--ochre);border-radius:0 10px 10px 0;background:var(--wash)}
.refusal{margin:1.2rem 0;padding:.3rem 1.2rem;border-left:4px solid var(--vermilion);border-radius:0 10px 10px 0;background:var(--wash)}
blockquote{margin:.8rem 0 0;font:italic 1.08rem/1.5 var(--serif)}
blockquote::before{content:"“"}
blockquote::after{content:"”"}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.6rem,1fr));gap:.9rem 1rem}
.facts div{display:flex;flex-direction:column-reverse;justify-content:flex-end}
.facts dt{color:var(--muted);font-size:.86rem;line-height:1.35}
.facts dd{margin:0;font:600 1.3rem/1.25 var(--serif);font-variant-numeric:lining-nums}
.facts small{color:var(--muted);font-weight:400}
.split{display:flex;gap:3px;padding:0;list-style:none;font-size:.9rem;line-height:1.35}
.split li{flex:1 1 6.5rem;min-width:6.5rem;padding-top:.6rem;border-top:.9rem solid var(--part);color:var(--muted)}
.split li:first-child{border-radius:6px 0 0 0}
.split li:last-child{border-radius:0 6px 0 0}
.split b{display:block;color:var(--ink);font:600 1.3rem/1.2 var(--serif);font-variant-numeric:lining-nums}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.93rem;line-height:1.4}
caption{padding-bottom:.5rem;text-align:left;font-weight:600}
th,td{padding:.42rem .8rem .42rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline;font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{border-bottom-color:var(--rule);color:var(--muted);font-size:.85rem;vertical-align:bottom}
.number{text-align:right;font-variant-numeric:tabular-nums lining-nums}
.item{display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:baseline}
.item bdi{font-weight:600}
.item .tags bdi{font-weight:400}
.again{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr:has(+tr .group)>*{border-bottom-color:var(--rule)}
.tags{display:flex;flex-wrap:wrap;gap:.25rem;margin:0;padding:0;list-style:none}
.tags li{padding:.02rem .55rem;border-radius:99px;background:var(--wash);font-size:.82rem;white-space:nowrap}
.journey{display:grid;grid-template-columns:1fr auto 1fr auto 1fr;gap:.8rem;align-items:center;padding:0;list-style:none;font-size:.93rem;line-height:1.45}
.journey li:not(.hop){align-self:stretch;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
.journey b{display:block}
.journey .hop{color:var(--ultramarine);font-weight:600;text-align:center;font-size:.86rem}
.journey .hop::after{content:"→";display:block;font-size:1.4rem;line-height:1}
.hash{line-height:1.7}
.hash span{display:inline-block;margin-right:.55em}
code{font-family:var(--mono);font-size:.9em}
details{margin:1rem 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
summary{padding:.55rem 0;cursor:pointer;color:var(--ultramarine);font-weight:600;font-size:.95rem}
details .line{margin:.4em 0;font-size:.93rem}
:focus-visible{outline:2px solid var(--ultramarine);outline-offset:3px}
footer{margin-top:5rem;padding-block:1.5rem 3rem;border-top:1px solid var(--rule);color:var(--muted);font-size:.9rem}
@media screen and (max-width:44rem){
.chart .wide{display:none}.chart .narrow{display:block}
.hero .opening{grid-template-columns:1fr}.portrait{display:none}
.hero .tiles{grid-template-columns:1fr 1fr}
.pair,.journey{grid-template-columns:1fr}
.journey .hop::after{content:"↓"}
section{padding-top:3rem}
figure,.card{padding-inline:.9rem}
}
@media screen and (max-width:22rem){.hero .tiles{grid-template-columns:1fr}}
@media print{
@page{margin:16mm}
:root{color-scheme:light;--paper:#fff;--card:#fff}
html{font-size:9.5pt}
summary{list-style:none}
details::details-content{content-visibility:visible;block-size:auto}
.hero{background:none;padding-top:0}
nav{display:none}
section{padding-top:1.6rem}
h2,h3,caption,figcaption{break-after:avoid}
figure,.callout,.refusal,.tiles li,tr,.chain{break-inside:avoid}
.scroll{overflow:visible}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
