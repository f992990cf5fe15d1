/* How it looks: a constructed style sheet, which no policy of the page forbids. */

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host{all:initial;--accent:#1f5fbf;--on:#fff;--paper:light-dark(#fff,#1c1c20);--ink:light-dark(#1b1b1f,#ececf0);
--soft:light-dark(#55555e,#b4b4be);--line:light-dark(#8a8a94,#7d7d88);--tint:light-dark(#f0f1f5,#2a2a30);
--late:light-dark(#b3161b,#ffb4ab);color-scheme:light dark;color:var(--ink);font:1rem/1.45 system-ui,sans-serif}
:host([hidden]){display:none}
*{box-sizing:border-box}
[hidden]{display:none!important}
h2,h3,p,ol,ul,dl{margin:0;padding:0}
h2{font-size:1.125rem;flex:1;min-width:0;overflow-wrap:anywhere;outline:none!important}
h3{font-size:1rem}
ol,ul.tickets{list-style:none}
button,input,textarea,select,a.main{font:inherit;color:inherit}
button,a.main{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;cursor:pointer;display:inline-block;
min-height:2.5rem;padding:.5rem .875rem;text-align:start;text-decoration:none}
.main,.launcher{background:var(--accent)!important;border-color:var(--accent)!important;color:var(--on)!important;font-weight:600}
button[aria-disabled=true]{cursor:progress;opacity:.75}
:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.launcher{border-radius:2rem;box-shadow:0 2px 8px #0006;bottom:1rem;inset-inline-end:1rem;min-height:3rem;
padding-inline:1.25rem;position:fixed;z-index:2147483000}
.launcher:has(+dialog[open]){box-shadow:none}
.dot::after{background:var(--late);border:2px solid var(--paper);border-radius:50%;height:.875rem;content:"";
width:.875rem;top:-.125rem;inset-inline-end:-.125rem;position:absolute}
dialog,.page{background:var(--paper);border:0;color:var(--ink);padding:0}
dialog{height:100dvh;width:100vw;margin:0;max-height:none;max-width:none;position:fixed}
dialog::backdrop{background:#0006}
@media (min-width:40rem){dialog{height:min(46rem,calc(100dvh - 2rem));border:1px solid var(--line);border-radius:.75rem;
width:27rem;inset:auto;bottom:1rem;inset-inline-end:1rem}}
.page{margin-inline:auto;max-width:44rem;min-height:100dvh}
.panel{height:100%;display:flex;flex-direction:column;overflow:hidden}
.page .panel{height:100dvh}
header{align-items:center;border-bottom:1px solid var(--line);display:flex;gap:.5rem;padding:.5rem .75rem}
header button{border-color:transparent;flex:none;font-size:1.25rem;line-height:1;min-width:2.5rem;text-align:center}
.panel[dir=rtl] .back{scale:-1 1}
.view{display:flex;flex:1;flex-direction:column;gap:1rem;min-height:0;overflow-y:auto;padding:1rem}
[aria-busy] .view:empty::after{color:var(--soft);content:"…";text-align:center}
.status{font-size:.875rem;padding-inline:1rem}
.status:not(:empty){padding-block:.5rem}
form,.head,fieldset.plain{display:flex;flex-direction:column;gap:1rem}
.head{gap:.625rem}
fieldset{border:1px solid var(--line);border-radius:.5rem;margin:0;min-width:0;padding:.75rem}
fieldset.plain{border:0;padding:0}
legend{font-weight:600;padding-inline:.25rem}
.field{display:flex;flex-direction:column;gap:.25rem}
.field>label{font-weight:600}
input:not([type=radio]),textarea,select{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;width:100%;
min-height:2.5rem;padding:.5rem}
select{text-overflow:ellipsis}
::placeholder{color:var(--soft);opacity:1}
textarea{field-sizing:content;max-height:16rem;min-height:4rem;resize:vertical}
[aria-invalid]{border:2px solid var(--late)!important}
:disabled{opacity:.8}
.choice{display:grid;gap:0 .5rem;grid-template-columns:1.5rem 1fr;padding-block:.25rem}
.choice input{accent-color:var(--accent);height:1.5rem;width:1.5rem;margin:0}
.choice label{min-height:1.5rem}
.choice .about{grid-column:2}
.choice:not(:has(:checked)) ul{display:none}
.about{color:var(--soft);font-size:.875rem}
.about ul{padding-inline-start:1.25rem}
.about:not(:empty)#result{background:var(--tint);border-radius:.5rem;padding:.75rem}
.found:not(:empty),.article{display:flex;flex-direction:column;gap:.5rem}
.found:empty{margin-top:-1rem}
.article{overflow-wrap:anywhere;padding:.5rem}
.article *{max-width:100%}
.article>button{align-self:start}
.article :is(ul,ol){list-style:revert;padding-inline-start:1.25rem}
.article pre{overflow-x:auto}
summary{cursor:pointer;min-height:1.5rem;padding:.25rem}
details{background:var(--tint);border-radius:.5rem;padding:.25rem .5rem}
.soft{color:var(--soft);font-size:.875rem;font-weight:400}
.error{color:var(--late);font-weight:600}
.row{align-items:center;display:flex;flex-wrap:wrap;gap:.5rem}
.chip{background:var(--tint);border-radius:1rem;font-size:.8125rem;padding:.125rem .625rem}
.note,.call,.asked{background:var(--tint);border-radius:.5rem;padding:.75rem}
.call{display:flex;flex-direction:column;gap:.5rem}
.late{color:var(--late);font-weight:600}
.promise.late{border-inline-start:4px solid;padding-inline-start:.5rem}
[role=log]{flex:1 0 auto}
ol{display:flex;flex-direction:column;gap:.75rem}
li.mine,li.theirs{max-width:92%}
li.mine{align-self:end}
li.theirs{align-self:start}
.body{background:var(--tint);border-radius:.75rem;overflow-wrap:anywhere;padding:.5rem .75rem;white-space:pre-wrap}
.theirs .body{background:var(--paper);border:1px solid var(--line)}
.files{display:flex;flex-direction:column;gap:.375rem;list-style:none}
.files:empty{display:none}
.files span{min-width:0;overflow-wrap:anywhere}
.body+.files{margin-top:.375rem}
progress{accent-color:var(--accent);width:6rem}
.tickets{display:flex;flex-direction:column;gap:.5rem}
.ticket{display:flex;flex-direction:column;gap:.375rem;width:100%;overflow-wrap:anywhere}
.hidden{height:1px;clip-path:inset(50%);width:1px;overflow:hidden;position:absolute;white-space:nowrap}
@media (prefers-reduced-motion:no-preference){dialog[open]{animation:come .15s ease-out}@keyframes come{from{opacity:0;translate:0 1rem}}}
@media (forced-colors:active){.chip,.note,.call,.body{border:1px solid}}
`);

/** Black or white, whichever is read better on a colour, `color(srgb ...)` (WCAG 2.2, 1.4.3). */
const readable = (colour) => {
  const [red, green, blue] = colour.match(/[\d.]+/g).map((share) =>
    (share <= 0.04045 ? share / 12.92 : ((Number(share) + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
};
