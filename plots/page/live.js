// plots/page/live.js - a sweep's points behind sliders: `reprise report --live`. All numbers are the file's own; nothing
// is computed between them. A choice that was not computed shows the nearest point that was, and says so.
"use strict";

(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const FIGURES = [
        ["ttft_mean_ns", "low"],
        ["ttft_p99_ns", "low"],
        ["tbt_p99_ns", "low"],
        ["hit_rate_tokens", "high"],
        ["turns_per_s", "high"],
        ["gpu_utilisation", null],
        ["ssd_written_bytes", "low"],
    ];
    const NAMES = {
        ttft_mean_ns: "TTFT, mean",
        ttft_p99_ns: "TTFT, 99th percentile",
        tbt_p99_ns: "time between tokens, P99",
        hit_rate_tokens: "tokens reused",
        turns_per_s: "turns/s",
        gpu_utilisation: "GPUs busy",
        ssd_written_bytes: "SSD written",
        cost: `$ per million tokens, ${data.billing}`,
    };
    const TIERS = [
        ["hit_tokens_hbm", "HBM", "hbm"],
        ["hit_tokens_dram", "DRAM", "dram"],
        ["hit_tokens_ssd", "SSD", "ssd"],
        ["hit_tokens_remote", "remote pool", "pool"],
        ["computed_tokens", "computed", "computed"],
    ];
    const place = Object.fromEntries(data.metrics.map((metric, i) => [metric.name, i]));

    // ---- axes and points ----

    const axes = data.axes
        .map((axis, index) => ({ ...axis, index }))
        .filter((axis) => axis.values.length > 1);
    for (const axis of axes) {
        axis.numbers = axis.values.every((value) => value.number !== null);
        if (axis.numbers) axis.values.sort((a, b) => a.number - b.number);
        axis.at = new Map(axis.values.map((value, i) => [value.text, i]));
    }

    // Points by their values' places; replications of one become their mean.
    const points = new Map();
    for (const row of data.rows) {
        const at = axes.map((axis) => axis.at.get(row.values[axis.index])),
            key = at.join();
        if (!points.has(key)) points.set(key, { at, rows: [] });
        points.get(key).rows.push(row);
    }
    function mean(values) {
        const known = values.filter((value) => value !== null);
        return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
    }
    function metric(point, name) {
        return name === "cost"
            ? mean(point.rows.map((row) => row.cost))
            : mean(point.rows.map((row) => row.metrics[place[name]]));
    }
    function kind(name) {
        return name === "cost" ? "usd" : data.metrics[place[name]].kind;
    }
    const refused = new Map(
        data.refused.map((row) => [axes.map((axis) => axis.at.get(row.values[axis.index])).join(), row.why])
    );

    // The computed point that is fewest steps away; of equals, one that keeps the axis that was moved last.
    function nearest(at, kept) {
        let best = null,
            least = Infinity;
        for (const point of points.values()) {
            let far = 0;
            axes.forEach((axis, i) => {
                const steps = Math.abs(point.at[i] - at[i]);
                far +=
                    steps === 0
                        ? 0
                        : (i === kept ? 1000 : 1) + (axis.numbers ? steps / axis.values.length : 0);
            });
            if (far < least) [best, least] = [point, far];
        }
        return best;
    }

    // ---- the state ----

    const home = data.rows[data.reference];
    let at = axes.map((axis) => axis.at.get(home.values[axis.index])),
        moved = 0,
        chosen = "cost";
    let pinned = points.get(at.join());

    function readLink() {
        for (const part of location.hash.slice(1).split("&")) {
            const [key, value] = part.split("=").map((text) => {
                try {
                    return decodeURIComponent(text);
                } catch (error) {
                    return "";
                }
            });
            const i = axes.findIndex((axis) => axis.key === key);
            if (i >= 0 && axes[i].at.has(value)) at[i] = axes[i].at.get(value);
            else if (key === "show" && (value === "cost" || value in place)) chosen = value;
        }
    }
    function writeLink() {
        const parts = axes.map(
            (axis, i) => `${encodeURIComponent(axis.key)}=${encodeURIComponent(axis.values[at[i]].text)}`
        );
        if (chosen !== "cost") parts.push(`show=${chosen}`);
        try {
            history.replaceState(null, "", `#${parts.join("&")}`);
        } catch (error) {
            // a page that may not change its address still shows what is chosen
        }
    }

    // ---- the page ----

    function element(name, attributes, ...children) {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {}))
            if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
            else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
        made.append(...children.filter((child) => child !== null));
        return made;
    }

    const sliders = element("div", { class: "axes" }),
        told = element("p", { role: "status", id: "told" }),
        figures = element("div", { class: "figures", id: "figures" });
    const slices = element("div", { class: "slices" }),
        tiers = element("div", { class: "chart" }),
        table = element("tbody");
    const metrics = element("select", {
        id: "metric",
        onchange: () => {
            chosen = metrics.value;
            show();
        },
    });
    const shows = []; // of the axes' controls

    function nameOf(point) {
        return axes.map((axis, i) => `${axis.name} ${axis.values[point.at[i]].shown}`).join(", ");
    }

    function addAxis(axis, i) {
        const id = `axis-${i}`,
            output = element("output", { for: id });
        const move = (value) => {
            at[i] = Number(value);
            moved = i;
            show();
        };
        const control = axis.numbers
            ? element("input", {
                  type: "range",
                  id,
                  min: 0,
                  max: axis.values.length - 1,
                  step: 1,
                  oninput: () => move(control.value),
              })
            : element(
                  "select",
                  { id, onchange: () => move(control.value) },
                  ...axis.values.map((value, v) => element("option", { value: v }, value.shown))
              );
        sliders.append(
            element(
                "div",
                { class: "axis", title: `${axis.key}: ${axis.help}` },
                element("label", { for: id }, axis.numbers ? output : null, axis.name),
                control
            )
        );
        shows.push(() => {
            control.value = at[i];
            control.setAttribute("aria-valuetext", axis.values[at[i]].shown);
            output.textContent = axis.values[at[i]].shown;
        });
    }

    function difference(value, before, good) {
        if (Number.isNaN(value) || !(before > 0)) return null;
        const percent = 100 * (value / before - 1);
        if (Math.abs(percent) < 0.05) return element("small", {}, "as pinned");
        const better = good && (good === "low") === percent < 0;
        return element(
            "small",
            { class: good ? (better ? "good" : "bad") : null },
            `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(1)} %${good ? (better ? " better" : " worse") : ""}`
        );
    }

    function showFigures(point) {
        figures.replaceChildren(
            ...[["cost", "low"], ...FIGURES].map(([name, good]) => {
                const value = metric(point, name);
                return element(
                    "div",
                    {
                        "data-metric": name,
                        title: name === "cost" ? data.prices : data.metrics[place[name]].meaning,
                    },
                    element("b", {}, charts.format(value, kind(name))),
                    NAMES[name],
                    point === pinned ? null : difference(value, metric(pinned, name), good)
                );
            })
        );
    }

    // The chosen metric over one axis, all others as they are.
    function slice(axis, i, point, made) {
        const beside = axis.values.map(
            (value, v) => points.get(point.at.map((place, j) => (j === i ? v : place)).join()) || null
        );
        const known = beside
            .map((other, v) => ({ v, other }))
            .filter((item) => item.other && !Number.isNaN(metric(item.other, chosen)));
        const label = `${NAMES[chosen] || chosen} over ${axis.name}`;
        if (!axis.numbers) {
            charts.bars(made, {
                rows: known.map((item) => ({
                    name: `${axis.values[item.v].shown}${item.v === point.at[i] ? "  ← chosen" : ""}`,
                    values: [metric(item.other, chosen)],
                })),
                series: [{ colour: charts.colour("a") }],
                kind: kind(chosen),
                label,
            });
            return;
        }
        const x = known.map((item) => axis.values[item.v].number),
            y = known.map((item) => metric(item.other, chosen));
        const least = Math.min(...x.filter((value) => value > 0)),
            most = Math.max(...x);
        const log = most / least > 16,
            from = log ? (x.some((value) => value === 0) ? least / 2 : least) : Math.min(...x);
        charts.lines(made, {
            series: [{ name: chosen, colour: charts.colour("a"), x, y, marks: true }],
            height: 210,
            label,
            x: {
                kind: axis.kind,
                log,
                from,
                to: most,
                name: axis.name + (log && x.includes(0) ? " (0 at the left edge)" : ""),
            },
            y: { kind: kind(chosen), from: Math.min(0, ...y), to: 1.06 * Math.max(...y, 1e-9) },
            mark: { x: axis.values[point.at[i]].number, y: metric(point, chosen) },
        });
    }

    function showTiers(point) {
        const layers = TIERS.map(([name, words, colour]) => ({
            name: words,
            values: [metric(point, name)],
            colour: charts.colour(colour),
        })).filter((layer) => layer.values[0] > 0);
        const all = layers.reduce((sum, layer) => sum + layer.values[0], 0);
        tiers.replaceChildren();
        charts.bars(tiers, {
            rows: layers.map((layer) => ({ name: layer.name, values: [layer.values[0] / all] })),
            series: [{ colour: charts.colour("dram") }],
            kind: "share",
            label: "Where the tokens of prompts and histories came from",
        });
    }

    function showTable(point) {
        table.replaceChildren(
            ...data.metrics.map((row) =>
                element(
                    "tr",
                    {},
                    element("td", { title: row.meaning }, row.name),
                    element("td", {}, charts.format(metric(point, row.name), row.kind)),
                    element("td", {}, charts.format(metric(pinned, row.name), row.kind))
                )
            )
        );
    }

    function show() {
        const key = at.join(),
            point = points.get(key) || nearest(at, moved);
        for (const each of shows) each();
        const replications = point.rows.length > 1 ? ` Means of ${point.rows.length} runs.` : "";
        if (point.at.join() === key) told.textContent = `${nameOf(point)}.${replications}`;
        else
            told.textContent = refused.has(key)
                ? `This cannot run: ${refused.get(key)}. The nearest that can: ${nameOf(point)}.${replications}`
                : `This was not computed. The nearest that was: ${nameOf(point)}.${replications}`;
        showFigures(point);
        const made = axes.map(() => element("div", { class: "chart" }));
        slices.replaceChildren(
            ...axes.map((axis, i) => element("section", {}, element("h3", {}, `over ${axis.name}`), made[i]))
        );
        axes.forEach((axis, i) => slice(axis, i, point, made[i])); // when all have their widths
        showTiers(point);
        showTable(point);
        writeLink();
        shown = point;
    }
    let shown = null;

    for (const name of [
        "cost",
        ...FIGURES.map((figure) => figure[0]),
        ...data.metrics.map((row) => row.name).filter((name) => !(name in NAMES)),
    ])
        metrics.append(element("option", { value: name }, NAMES[name] || name));
    readLink();
    axes.forEach(addAxis);
    document.getElementById("live").append(
        element(
            "p",
            {},
            `${points.size} computed points; the sliders choose among them. Differences are against the pinned one, at first the cheapest.`
        ),
        sliders,
        told,
        figures,
        element(
            "div",
            { class: "choose" },
            element("label", { for: "metric" }, "Show"),
            metrics,
            element(
                "button",
                {
                    type: "button",
                    id: "pin",
                    onclick: () => {
                        pinned = shown;
                        show();
                    },
                },
                "Pin this point"
            ),
            element(
                "button",
                {
                    type: "button",
                    id: "home",
                    onclick: () => {
                        at = [...pinned.at];
                        show();
                    },
                },
                "Back to the pinned one"
            )
        ),
        slices,
        element("h2", {}, "Where tokens came from"),
        tiers,
        element(
            "details",
            {},
            element("summary", {}, "All metrics"),
            element(
                "div",
                { class: "scroll" },
                element(
                    "table",
                    {},
                    element(
                        "thead",
                        {},
                        element(
                            "tr",
                            {},
                            element("th", {}, "metric"),
                            element("th", {}, "this point"),
                            element("th", {}, "pinned")
                        )
                    ),
                    table
                )
            )
        )
    );
    metrics.value = chosen;
    show();
    let width = 0;
    addEventListener("resize", () => {
        if (innerWidth === width) return;
        width = innerWidth;
        show();
    });
})();
