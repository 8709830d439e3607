/** The style of the payment page: one card, light or dark as the visitor's system is, with no fonts or images to load. */
export const PAY_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #eef1f6; --card: #fff; --edge: #dde2ea; --text: #141a24; --soft: #5a6475;
  --act: #1d4ed8; --act-over: #1a43b8; --on-act: #fff;
  --good: #14663a; --good-ground: #e3f5ea; --bad: #9a2318; --bad-ground: #fdebe8; --note: #6b4a00; --note-ground: #fdf3d7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --card: #171d27; --edge: #2a3342; --text: #eaeff7; --soft: #9aa6b8;
    --act: #7aa5ff; --act-over: #96b8ff; --on-act: #0b1424;
    --good: #86e0ac; --good-ground: #12301f; --bad: #ffb0a6; --bad-ground: #3a1a17; --note: #f2d48a; --note-ground: #332811;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1.5rem 1rem;
  display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
main {
  width: 100%; max-width: 25rem; padding: 1.75rem; overflow-wrap: anywhere;
  background: var(--card); border: 1px solid var(--edge); border-radius: 1rem; box-shadow: 0 8px 30px rgb(0 0 0 / 7%);
}
h1 { margin: 0; font-size: 1rem; font-weight: 600; }
.amount {
  margin: 0.35rem 0 0; font-size: 2.5rem; line-height: 1.15; font-weight: 700;
  letter-spacing: -0.02em; font-variant-numeric: tabular-nums;
}
dl { margin: 1.25rem 0 0; padding-top: 1.25rem; border-top: 1px solid var(--edge); display: grid; gap: 0.75rem; }
dt { color: var(--soft); font-size: 0.875rem; }
dd { margin: 0; }
.status { margin: 1.25rem 0 0; padding: 0.75rem 1rem; border-radius: 0.625rem; }
.status strong { display: block; }
.good { color: var(--good); background: var(--good-ground); }
.bad { color: var(--bad); background: var(--bad-ground); }
.note { color: var(--note); background: var(--note-ground); }
.actions { margin-top: 1.5rem; display: grid; gap: 0.625rem; }
form { margin: 0; }
button, .back {
  display: block; width: 100%; min-height: 3rem; padding: 0.7rem 1rem; border-radius: 0.625rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer;
  border: 1px solid var(--edge); background: transparent; color: var(--text);
}
button:hover, .back:hover { border-color: var(--soft); }
.primary { border-color: transparent; background: var(--act); color: var(--on-act); }
.primary:hover { border-color: transparent; background: var(--act-over); }
.quiet { border-color: transparent; color: var(--soft); font-weight: 400; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
footer { max-width: 25rem; color: var(--soft); font-size: 0.8125rem; text-align: center; }
`;
