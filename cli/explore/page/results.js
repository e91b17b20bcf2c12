// cli/explore/page/results.js - what runs gave, in words, figures, charts and a table. It draws what it is handed
// and asks for nothing.
"use strict";

const results = (() => {
    // Figures of the first view: metric, name, which way is better.
    const FIGURES = [
        ["ttft_mean_ns", "TTFT, mean", "low"],
        ["ttft_p99_ns", "TTFT, 99th percentile", "low"],
        ["tbt_mean_ns", "Time between tokens", "low"],
        ["hit_rate_tokens", "Tokens reused", "high"],
        ["goodput_turns_per_s", "Turns/s within the SLO", "high"],
        ["gpu_utilisation", "GPUs busy", null],
        ["cost_usd_per_mtok", "$ per M tokens, busy", "low"],
        ["rented_usd_per_mtok", "$ per M tokens, rented", "low"],
    ];
    const LINKS = [
        ["load_dram_hbm_bytes", "DRAM → HBM: loaded for turns"],
        ["load_ssd_hbm_bytes", "SSD → HBM: loaded, not fetched ahead"],
        ["fetch_ssd_dram_bytes", "SSD → DRAM: fetched ahead"],
        ["save_hbm_dram_bytes", "HBM → DRAM: new KV saved"],
        ["save_hbm_ssd_bytes", "HBM → SSD: new KV, DRAM had no room"],
        ["demote_dram_ssd_bytes", "DRAM → SSD: given up by DRAM"],
        ["write_dram_ssd_bytes", "DRAM → SSD: written through"],
        ["load_remote_hbm_bytes", "pool → HBM: loaded for turns"],
        ["fetch_remote_dram_bytes", "pool → DRAM: fetched ahead"],
        ["write_dram_remote_bytes", "DRAM → pool: written through"],
        ["demote_dram_remote_bytes", "DRAM → pool: given up"],
        ["demote_ssd_remote_bytes", "SSD → pool: given up"],
    ];
    const HITS = [
        ["hits_hbm_over_time", "HBM", "hbm"],
        ["hits_dram_over_time", "DRAM", "dram"],
        ["hits_ssd_over_time", "SSD", "ssd"],
        ["hits_remote_over_time", "remote pool", "pool"],
        ["misses_over_time", "computed", "computed"],
    ];

    let main = null;
    let pictures = []; // of the charts on the page: [{title, picture}]
    let drawn = null; // what is shown: {sides, answers}
    let verdict = null; // {words, same_load} of two, or words in their place
    let turn = null; // the turn's pictures {why, sides, panels, least_ms, most_ms}, or words in their place
    let map = null; // the map's state: {columns, rows, value, chosen, choose, ...}

    function letter(side) {
        return element("span", { class: `letter ${side}` }, side.toUpperCase());
    }

    function card(title, ...children) {
        return element("section", { class: "card" }, element("h2", {}, title), ...children);
    }

    // A metric as people read it; dollars of a server whose prices are not known are none.
    function reading(answer, metric) {
        const unpriced = metric.includes("_usd") && answer.run.metrics[metric] === 0;
        return unpriced ? "–" : answer.shown[metric];
    }

    // A place in which draw(place) makes a chart, once it is on the page and has its width.
    function chart(title, draw, after, legend) {
        const place = element("div", { class: "chart" });
        after.push(() => pictures.push({ title, legend, picture: draw(place) }));
        return place;
    }

    // ---- words and figures ----

    function tier(experiment, key, own) {
        const text = experiment[key];
        const bytes = text === "hardware" ? own : Number(text) || units.read(text, "bytes");
        return bytes === undefined
            ? "as the server has"
            : bytes === 0
              ? "none"
              : charts.format(bytes, "bytes");
    }

    function which(answer) {
        const experiment = Object.fromEntries(
            Object.entries(answer.experiment).map(([k, v]) => [k, v.replace(/^"(.*)"$/, "$1")])
        );
        const entry = state.names.hardware.find((item) => item.name === experiment.hardware) || {};
        const trace = state.names.trace.find((item) => item.name === experiment.trace);
        const load =
            experiment.trace !== ""
                ? (trace && trace.about) || experiment.trace
                : `${experiment["workload.shape"]} workload, ${experiment["workload.sessions_per_s"]} sessions/s`;
        const server = `${experiment.gpus} GPU${experiment.gpus === "1" ? "" : "s"} of ${experiment.hardware}`;
        const dram = tier(experiment, "tiers.dram.capacity", entry.dram_bytes);
        const fixed = experiment["ssd.drive"] !== "" && experiment["ssd.drives"] !== "fit";
        const ssd = fixed
            ? `of ${experiment["ssd.drives"]} × ${experiment["ssd.drive"]}`
            : tier(experiment, "tiers.ssd.capacity", entry.ssd_bytes);
        const hbm = charts.format(answer.run.kv_budget_bytes, "bytes");
        const turns = answer.run.metrics.turns.toLocaleString("en");
        const end = endedByTurns(answer) ? "turns in all" : "the load's end";
        const measured = `${turns} turns measured after ${warmup(answer).toLocaleString("en")} of warm-up`;
        return (
            `${experiment.model} on ${server}, ${experiment.policy}; for KV ${hbm} of HBM, DRAM ${dram}, SSD ${ssd}; ` +
            `${load}; ${measured}, until ${end}; simulated in ${charts.format(answer.took_ns, "ns")}`
        );
    }

    function warmup(answer) {
        return Number(answer.experiment.warmup_turns);
    }

    function turnsInAll(answer) {
        return (answer.run.metrics.turns + warmup(answer)).toLocaleString("en");
    }

    // Else the workload or the trace did.
    function endedByTurns(answer) {
        const most = Number(answer.experiment.max_turns);
        return most > 0 && answer.run.metrics.turns + warmup(answer) >= most;
    }

    // A sentence as `reprise sim` prints it, with what it is about before it.
    function sentence(kind, told) {
        const subject = told.subject === "" ? [] : [element("b", {}, `${told.subject}:`), " "];
        return element("p", { class: kind }, ...subject, told.sentence);
    }

    function of(words, ...kinds) {
        return words.filter((told) => kinds.includes(told.of));
    }

    // A sentence's first letter is a capital, but not of a policy's name.
    function begun(words, policy) {
        return words.startsWith(`${policy}:`) ? words : words[0].toUpperCase() + words.slice(1);
    }

    // What two configurations are to each other, once it is known.
    function drawVerdict() {
        const place = document.getElementById("verdict");
        if (!place) return;
        place.replaceChildren();
        if (!verdict) return;
        if (typeof verdict === "string") place.append(element("p", { class: "note" }, verdict));
        else {
            if (!verdict.same_load) place.append(element("p", { class: "note" }, OTHER_LOADS));
            for (const told of of(verdict.words, "verdict", "overload"))
                place.append(sentence("verdict", told));
        }
    }

    const OTHER_LOADS =
        "A and B serve different loads: how they differ is the load's doing too, and cannot be told from chance turn by turn.";

    function setVerdict(next) {
        verdict = next;
        drawVerdict();
    }

    function words(sides, answers, isLook) {
        const made = card("What comes of it");
        if (isLook)
            made.append(
                element("p", { class: "look" }, "A first look, at fewer turns: the whole run is under way.")
            );
        if (state.left.length > 0)
            made.append(
                element(
                    "p",
                    { class: "look", id: "left" },
                    `Left out of the link, as no setting: ${state.left.join(", ")}.`
                )
            );
        for (const side of sides) {
            const answer = answers[side];
            if (!answer) continue;
            const line = sentence("headline", of(answer.words, "policy")[0]);
            if (sides.length > 1) line.prepend(letter(side), " ");
            made.append(line, element("p", { class: "which", id: `which-${side}` }, which(answer)));
            const notes = [...of(answer.words, "finding").map((told) => told.sentence), ...answer.notes];
            if (notes.length > 0)
                made.append(
                    element(
                        "ul",
                        { class: "findings" },
                        ...notes.map((note) => element("li", {}, begun(note, answer.run.policy)))
                    )
                );
        }
        if (sides.length > 1) made.append(element("div", { id: "verdict", role: "status" }));
        return made;
    }

    // How much more B has than A, said and coloured by whether that is better.
    function difference(a, b, good) {
        if (!(a > 0) || b === a) return element("span", { class: "difference" }, b === a ? "the same" : "");
        const percent = 100 * (b / a - 1);
        if (Math.abs(percent) < 0.05) return element("span", { class: "difference" }, "nearly the same");
        const better = good && (good === "low") === percent < 0;
        const verdict = good ? (better ? "better" : "worse") : "";
        const size =
            Math.abs(percent) >= 1000
                ? `${(b / a).toPrecision(3)} times`
                : `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(1)} %`;
        return element("span", { class: `difference ${verdict}` }, `${size} ${verdict}`.trim());
    }

    function figures(sides, answers) {
        const list = element("div", { class: "figures" });
        const told = sides.filter((side) => answers[side]);
        for (const [metric, name, good] of FIGURES) {
            const meaning = state.metrics.find((row) => row.name === metric).meaning;
            const made = card(name);
            made.title = meaning;
            made.dataset.metric = metric;
            for (const side of told)
                made.append(
                    element(
                        "p",
                        {},
                        ...(sides.length > 1 ? [letter(side)] : []),
                        reading(answers[side], metric)
                    )
                );
            if (told.length > 1)
                made.append(difference(answers.a.run.metrics[metric], answers.b.run.metrics[metric], good));
            list.append(made);
        }
        return list;
    }

    // ---- charts ----

    function series(answer, name) {
        return answer.series.find((item) => item.name === name);
    }

    function ttft(sides, answers, after) {
        const curves = sides
            .filter((side) => answers[side] && series(answers[side], "ttft_cdf"))
            .map((side) => ({
                ...series(answers[side], "ttft_cdf"),
                name: side.toUpperCase(),
                colour: charts.colour(side),
                dash: side === "b" ? "7 4" : undefined,
                line: true,
            }));
        const made = card("Time to first token: how many turns are served within it");
        if (curves.length === 0) return made;
        if (curves.length > 1) charts.legend(made, curves);
        made.append(
            chart(
                "Time to first token: share of the turns served within it",
                (place) =>
                    charts.lines(place, {
                        series: curves,
                        label: "Distribution of the time to first token",
                        x: { kind: "ns", log: true, name: "time to first token" },
                        y: { to: 1, kind: "share" },
                    }),
                after,
                curves.length > 1 ? curves : null
            )
        );
        return made;
    }

    function hits(side, sides, answer, after) {
        const title = `Where tokens came from, over time${sides.length > 1 ? `: ${side.toUpperCase()}` : ""}`;
        const layers = HITS.map(([name, words, colour]) => ({
            name: words,
            colour: charts.colour(colour),
            ...pick(series(answer, name)),
        })).filter((layer) => layer.y && layer.y.some((v) => v > 0));
        const made = card(title);
        if (layers.length === 0) return made;
        charts.legend(made, layers);
        made.append(
            chart(
                title,
                (place) =>
                    charts.shares(place, {
                        layers,
                        x: layers[0].x,
                        xName: "time since measuring began",
                        label: title,
                    }),
                after,
                layers
            )
        );
        return made;
    }

    function pick(found) {
        return found ? { x: found.x, y: found.y } : {};
    }

    function links(sides, answers, after) {
        const told = sides.filter((side) => answers[side]);
        const colours = told.map((side) => ({ name: side.toUpperCase(), colour: charts.colour(side) }));
        const rows = LINKS.map(([metric, name]) => ({
            name,
            values: told.map((side) => answers[side].run.metrics[metric]),
        })).filter((row) => row.values.some((value) => value > 0));
        const made = card("Bytes over the links, by cause");
        if (told.length > 1) charts.legend(made, colours);
        if (rows.length === 0) made.append(element("p", { class: "note" }, "No KV was moved."));
        else
            made.append(
                chart(
                    "Bytes over the links, by cause",
                    (place) =>
                        charts.bars(place, {
                            rows,
                            series: colours,
                            kind: "bytes",
                            label: "Bytes moved, by cause",
                        }),
                    after,
                    told.length > 1 ? colours : null
                )
            );
        return made;
    }

    // ---- a turn ----

    function turnCard() {
        return element(
            "section",
            { class: "card", id: "turn" },
            element("h2", {}, "A turn's prefill, layer by layer"),
            element("div", { id: "turn-chart" })
        );
    }

    // What is told of a turn that a side does not serve, or not alone.
    const NO_TURN =
        "This configuration did not serve that turn, or computed its layers with another turn's.";

    function drawTurn() {
        const place = document.getElementById("turn-chart");
        if (!place || !drawn) return;
        pictures = pictures.filter((item) => item.place !== place);
        place.replaceChildren();
        if (!turn) return;
        if (typeof turn === "string") {
            place.append(element("p", { class: "note" }, turn));
            return;
        }
        place.append(element("p", { class: "which" }, turn.why));
        const look = state.gantt;
        // Light grey would shine in the dark.
        const faint = matchMedia("(prefers-color-scheme: dark)").matches ? 0.12 : undefined;
        const legend = [
            ...look.lanes.map((lane) => ({ name: lane.name, colours: [lane.dark, lane.light] })),
            { name: "the GPUs wait", colour: look.waits },
            { name: "at other work", colour: look.other, opacity: faint },
        ];
        charts.legend(place, legend);
        turn.sides.forEach((side, i) => {
            const panel = turn.panels[i];
            const whose = turn.sides.length > 1 ? [letter(side), " "] : [];
            const words = panel ? `${panel.title}; ${panel.facts}` : NO_TURN;
            place.append(element("p", { class: "turn" }, ...whose, words));
            if (!panel) return;
            const where = element("div", { class: "chart" });
            place.append(where);
            const picture = charts.gantt(where, { turn: panel, range: turn, look, faint, label: words });
            const title = `${turn.sides.length > 1 ? `${side.toUpperCase()}: ` : ""}${words}`;
            pictures.push({ title, legend: i === 0 ? legend : null, picture, place });
        });
    }

    function setTurn(next) {
        turn = next;
        drawTurn();
    }

    // ---- the map of DRAM and SSD ----

    function mapCard() {
        const chooser = element(
            "select",
            { id: "map-metric" },
            ...Object.entries(MAP_METRICS).map(([name, metric]) =>
                element("option", { value: name }, metric.name)
            )
        );
        chooser.value = state.map;
        chooser.addEventListener("change", () => {
            state.map = chooser.value;
            state.writeLink();
            drawMap();
        });
        return element(
            "section",
            { class: "card", id: "map" },
            element(
                "h2",
                {},
                `Other sizes of DRAM and SSD${state.compare ? `: ${state.edit.toUpperCase()}` : ""}`
            ),
            element("div", { class: "row" }, element("label", { for: "map-metric" }, "Show"), chooser),
            element("div", { class: "chart", id: "map-chart" }),
            element("p", { class: "note", id: "map-note" })
        );
    }

    function drawMap() {
        const place = document.getElementById("map-chart"),
            note = document.getElementById("map-note");
        if (!place || !map) return;
        const metric = MAP_METRICS[state.map];
        const focused = [...place.querySelectorAll(".cell")].indexOf(document.activeElement);
        pictures = pictures.filter((item) => item.place !== place);
        const picture = charts.heat(place, {
            columns: map.columns.map((bytes) => charts.format(bytes, "bytes")),
            rows: map.rows.map((bytes) => charts.format(bytes, "bytes")),
            columnName: "DRAM",
            rowName: "SSD",
            kind: metric.kind,
            good: metric.good,
            chosen: map.chosen(),
            choose: map.choose,
            value: (c, r) => {
                const found = map.value(c, r);
                if (found === null) return null;
                const unpriced = found && metric.kind === "usd" && found[state.map] === 0;
                return found && !unpriced ? found[state.map] : NaN;
            },
            label: `${metric.name}, over DRAM and SSD`,
        });
        pictures.push({ title: `${metric.name}, over sizes of DRAM and SSD`, picture, place });
        if (focused >= 0) place.querySelectorAll(".cell")[focused].focus();
        const done = map.columns
            .flatMap((_, c) => map.rows.map((__, r) => map.value(c, r)))
            .filter((v) => v !== null).length;
        const all = map.columns.length * map.rows.length;
        const shown = new Set(
            map.columns.flatMap((_, c) => map.rows.map((__, r) => (map.value(c, r) || {})[state.map]))
        );
        const alike = done === all && shown.size === 1 ? "All sizes give the same here. " : "";
        const progress = done < all ? `${done} of ${all} sizes are simulated. ` : "";
        const whose = state.compare ? ` for ${state.edit.toUpperCase()}` : "";
        note.replaceChildren(
            `SSD up, DRAM to the right; green is better. ${alike}${progress}Choose a cell to take its sizes${whose}. `
        );
        if (map.waits)
            note.append(
                element(
                    "button",
                    { type: "button", id: "map-go", onclick: map.waits },
                    "Simulate all of them"
                )
            );
    }

    // ---- the table ----

    function table(sides, answers) {
        const told = sides.filter((side) => answers[side]);
        const head = element(
            "tr",
            {},
            element("th", { scope: "col" }, "metric"),
            ...told.map((side) =>
                element("th", { scope: "col" }, sides.length > 1 ? side.toUpperCase() : "value")
            )
        );
        if (told.length > 1) head.append(element("th", { scope: "col" }, "B against A"));
        const made = element("table", {}, element("thead", {}, head));
        const body = element("tbody");
        for (const row of state.metrics) {
            const line = element(
                "tr",
                {},
                element("td", {}, row.name, element("small", {}, row.meaning)),
                ...told.map((side) => element("td", {}, reading(answers[side], row.name)))
            );
            if (told.length > 1)
                line.append(
                    element(
                        "td",
                        {},
                        difference(answers.a.run.metrics[row.name], answers.b.run.metrics[row.name], null)
                    )
                );
            body.append(line);
        }
        made.append(body);
        return element(
            "details",
            { class: "card", id: "all-metrics", open: tableOpen() },
            element("summary", {}, "All metrics"),
            element("div", { class: "scroll" }, made)
        );
    }

    function tableOpen() {
        const old = document.getElementById("all-metrics");
        return old !== null && old.open;
    }

    // ---- the page ----

    function begin(place) {
        main = place;
    }

    // answers: by side, as api/run gives them; a side without one is left out.
    // isLook: of fewer turns than asked for.
    function show(sides, answers, isLook) {
        drawn = { sides, answers, isLook };
        const told = sides.filter((side) => answers[side]);
        if (told.length === 0) return;
        const after = [],
            top = scrollY,
            focused =
                document.activeElement && main.contains(document.activeElement)
                    ? document.activeElement.id
                    : "";
        pictures = [];
        main.replaceChildren(
            words(sides, answers, isLook),
            figures(sides, answers),
            element("div", { class: "pair" }, ttft(sides, answers, after), links(sides, answers, after)),
            element(
                "div",
                { class: "pair" },
                ...told.map((side) => hits(side, sides, answers[side], after)),
                ...(told.length === 1 ? [mapCard()] : [])
            ),
            ...(told.length === 1 ? [] : [mapCard()]),
            turnCard(),
            table(sides, answers)
        );
        charts.measure(main.querySelectorAll(".chart"));
        for (const draw of after) draw();
        drawVerdict();
        drawTurn();
        drawMap();
        glance(sides, answers);
        scrollTo(0, top);
        if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    }

    // On a phone the results are below the settings: the last line of the screen tells of them, and leads there.
    function glance(sides, answers) {
        const line = document.getElementById("glance");
        line.hidden = false;
        const words = (answer) =>
            `TTFT ${reading(answer, "ttft_mean_ns")}, P99 ${reading(answer, "ttft_p99_ns")}; ` +
            `${reading(answer, "hit_rate_tokens")} reused; ${reading(answer, "rented_usd_per_mtok")}/M`;
        line.replaceChildren(
            ...sides
                .filter((side) => answers[side])
                .map((side) =>
                    element("div", {}, ...(sides.length > 1 ? [letter(side), " "] : []), words(answers[side]))
                )
        );
    }

    function redraw() {
        if (drawn) show(drawn.sides, drawn.answers, drawn.isLook);
    }

    function setMap(next) {
        map = next;
        drawMap();
    }

    // No result: the program refused the experiment. measureAll: what a refused warm-up offers.
    function refuse(error, atKey, side, measureAll) {
        const whose = state.compare ? [letter(side), " "] : [];
        const made = card("This cannot be run", element("p", { class: "headline" }, ...whose, error.text));
        if (atKey) made.append(element("p", { class: "note" }, "It is marked at its setting."));
        if (error.key === "warmup_turns")
            made.append(
                element(
                    "button",
                    { type: "button", id: "measure-all", onclick: measureAll },
                    "Measure all turns"
                )
            );
        document.getElementById("glance").hidden = true;
        main.replaceChildren(made);
        drawn = null;
    }

    return { begin, show, redraw, setVerdict, setTurn, setMap, drawMap, refuse, pictures: () => pictures, shown: () => drawn, turnsInAll, endedByTurns };
})();
