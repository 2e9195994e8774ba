/// What pages look like.
///
/// Colours are custom properties, of which a test computes the contrasts, in both schemes. What a colour says, a word says beside it.
let stylesheet = #"""
    :root {
      color-scheme: light dark;
      --ground: #f6f7f8;
      --surface: #ffffff;
      --text: #1b2430;
      --muted: #4d5a68;
      --line: #d3d9df;
      --link: #0b5a8a;
      --bar: #12344d;
      --bar-text: #f4f8fb;
      --bar-current: #ffffff;
      --good: #14532d;
      --good-ground: #e0f2e6;
      --bad: #7f1d1d;
      --bad-ground: #fde5e4;
      --waiting: #6b3b00;
      --waiting-ground: #fdf0d3;
      --over: #3f4a55;
      --over-ground: #e8ebee;
      --code-ground: #eef1f4;
      --focus: #b45309;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #11161c;
        --surface: #192029;
        --text: #e6ebf0;
        --muted: #aab6c2;
        --line: #36414d;
        --link: #86c5f0;
        --bar: #0b1c2a;
        --bar-text: #dbe7f0;
        --bar-current: #ffffff;
        --good: #a7e3bd;
        --good-ground: #14351f;
        --bad: #f7b8b3;
        --bad-ground: #451716;
        --waiting: #f3cf8c;
        --waiting-ground: #3c2a08;
        --over: #c3ccd5;
        --over-ground: #2c3641;
        --code-ground: #222b35;
        --focus: #f0a84b;
      }
    }

    * { box-sizing: border-box; }
    html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", sans-serif; }
    body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: break-word; }
    :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
    main:focus { outline: none; }
    a { color: var(--link); text-underline-offset: 0.15em; }
    code, pre { font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; font-size: 0.875em; }
    code { overflow-wrap: anywhere; unicode-bidi: isolate; }
    time { white-space: nowrap; }

    .skip { position: absolute; left: -100vw; padding: 0.5rem 1rem; background: var(--surface); color: var(--link); }
    .skip:focus { left: 0; z-index: 1; }

    .top { display: flex; flex-wrap: wrap; align-items: center; gap: 0 2rem; padding: 0 1.5rem; background: var(--bar); color: var(--bar-text); }
    .top .brand { margin: 0; padding: 0.75rem 0; }
    .top .brand strong { font-size: 1.125rem; letter-spacing: 0.02em; }
    .top nav { flex: 1; }
    .top ul { display: flex; flex-wrap: wrap; margin: 0; padding: 0; list-style: none; }
    .top nav a { display: block; padding: 0.75rem; border-bottom: 3px solid transparent; color: var(--bar-text); text-decoration: none; }
    .top nav a:hover { text-decoration: underline; }
    .top nav a[aria-current] { border-color: var(--bar-current); color: var(--bar-current); font-weight: 600; }
    .top :focus-visible { outline-color: var(--bar-current); outline-offset: -4px; }

    main { max-width: 80rem; margin: 0 auto; padding: 1.25rem 1.5rem 2.5rem; }
    h1 { margin: 0.25rem 0 0.75rem; font-size: 1.625rem; line-height: 1.25; overflow-wrap: anywhere; }
    h2 { margin: 0 0 0.5rem; font-size: 1.1875rem; line-height: 1.3; overflow-wrap: anywhere; }
    h3 { margin: 1.25rem 0 0.5rem; font-size: 1rem; }
    article div > h2 { margin-top: 1.5rem; }
    main > section, main > article { margin: 1.25rem 0; padding: 1.125rem 1.25rem; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); }
    main > p, main li, main > section > p, main > article p { max-width: 60rem; }

    .scroll { overflow-x: auto; margin: 0.75rem 0; }
    main > .scroll, main > p.none { padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); }
    table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; }
    caption { padding: 0 0 0.375rem; color: var(--muted); text-align: left; }
    th, td { padding: 0.4375rem 0.75rem 0.4375rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
    .long { display: inline-block; min-width: 14rem; overflow-wrap: anywhere; }
    .short { white-space: nowrap; }
    thead th { border-top: 0; border-bottom: 2px solid var(--line); color: var(--muted); font-size: 0.8125rem; font-weight: 600; white-space: nowrap; }
    tbody th, .plain li { white-space: nowrap; }
    tbody th { font-weight: 600; }
    th code, .plain code, .facts .plain li { white-space: normal; }
    tbody tr:first-child > * { border-top: 0; }
    ul.plain { margin: 0; padding: 0; list-style: none; }
    .plain .plain { margin-bottom: 0.5rem; }

    .facts { display: flex; flex-wrap: wrap; gap: 0.75rem 2.5rem; margin: 0.25rem 0 0.75rem; }
    .facts dt { color: var(--muted); font-size: 0.8125rem; font-weight: 600; }
    .facts dd { margin: 0; overflow-wrap: anywhere; }
    .hash span { display: inline-block; margin-right: 0.4em; }
    .hash span:last-child { margin-right: 0; }
    .none, .from { color: var(--muted); }

    .state { display: inline-block; padding: 0 0.5em; border-radius: 4px; font-size: 0.875em; font-weight: 600; white-space: nowrap; }
    .state::before { margin-right: 0.375em; }
    .state.good { background: var(--good-ground); color: var(--good); }
    .state.good::before { content: "✓" / ""; }
    .state.bad { background: var(--bad-ground); color: var(--bad); }
    .state.bad::before { content: "✕" / ""; }
    .state.waiting { background: var(--waiting-ground); color: var(--waiting); }
    .state.waiting::before { content: "!" / ""; }
    .state.over { background: var(--over-ground); color: var(--over); }
    .state.over::before { content: "–" / ""; }

    .attention, .checks, .warnings, .sentences { margin: 0.5rem 0; padding: 0; list-style: none; }
    .attention li, .checks li, .warnings li, .sentences li { margin: 0.375rem 0; }
    .attention .state, .checks .state { margin-right: 0.5em; }

    pre { overflow-x: auto; max-height: 32rem; margin: 0.5rem 0; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 4px; background: var(--code-ground); }
    pre code { overflow-wrap: normal; }
    .command { user-select: all; white-space: pre-wrap; }
    .command code { overflow-wrap: anywhere; }

    .tree { margin: 0.25rem 0; padding-left: 1.25rem; border-left: 1px solid var(--line); list-style: none; }
    div > .tree { padding-left: 0; border-left: 0; }
    .tree li { margin: 0.25rem 0; overflow-wrap: anywhere; }
    summary { cursor: pointer; }
    summary > span { display: inline; }

    .login { display: grid; gap: 0.5rem; max-width: 24rem; margin: 1.25rem 0; padding: 1.25rem; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); }
    .login label { font-weight: 600; }
    input, button { padding: 0.5rem 0.75rem; border: 1px solid var(--muted); border-radius: 4px; background: var(--surface); color: var(--text); font: inherit; }
    button { cursor: pointer; font-weight: 600; }
    .login button { border-color: var(--bar); background: var(--bar); color: var(--bar-text); }
    .top button { border-color: var(--bar-text); background: transparent; color: var(--bar-text); }

    footer { max-width: 80rem; margin: 0 auto; padding: 1rem 1.5rem 2rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.875rem; }
    footer p { margin: 0 0 0.5rem; }
    footer dl { display: flex; flex-wrap: wrap; gap: 0 0.75rem; margin: 0; }
    footer dd { margin: 0; }

    @media print {
      .top nav, .top form, .skip { display: none; }
      .scroll, pre { overflow: visible; max-height: none; }
    }
    """#

/// A shield, beside the page's title in a browser.
let icon = ##"""
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#12344d" d="M16 2 4 6v9c0 7.4 5 12.8 12 15 7-2.2 12-7.6 12-15V6z"/><path fill="none" stroke="#fff" stroke-width="3" d="m10 16 4.5 4.5L22.5 12"/></svg>
    """##
