// tests/cli/explore/test_explore_page.mjs ADDRESS PICTURES REPRISE - what a person does with the page, by mouse, keyboard
// and link, on a screen and on a phone; and that nothing is said on the console. One browser, two loads of the page, runs of
// a few ms: CI has two cores.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Browser, Checks, sleep } from "../../webdriver.mjs";

const [address, pictures, reprise] = process.argv.slice(2);
const START = "#a.workload.sessions=60&a.warmup_turns=20&a.workload.sessions_per_s=0.3";
const checks = new Checks();
const TAB = "\uE004",
    ENTER = "\uE006",
    RIGHT = "\uE014";
const browser = await Browser.open();

const hash = () => browser.run("return location.hash");
const text = (selector) =>
    browser.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector);
const figure = (metric, letter = 0) =>
    browser.run(
        "return document.querySelectorAll(`[data-metric='${arguments[0]}'] p`)[arguments[1]]?.textContent",
        metric,
        letter
    );
const round = () => browser.run("return Number(document.getElementById('results').dataset.round)");
// Does it and waits for a newer result than was shown.
async function after(act) {
    const before = await round();
    await act();
    await browser.until(
        `return Number(document.getElementById('results').dataset.round) > ${before}`,
        "a new result"
    );
}
const contains = (selector, words) =>
    browser.until(
        `return document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(words)})`,
        `"${words}" in ${selector}`
    );
const SET =
    "const set = (id, value) => { const at = document.getElementById(id); at.value = value;" +
    "for (const type of at.type === 'range' ? ['input', 'change'] : ['change']) at.dispatchEvent(new Event(type, { bubbles: true })); };";
// As a hand does: a slider moves and is let go, a field is written, a list's entry is chosen.
const set = (id, value) => browser.run(`${SET} set(arguments[0], arguments[1]);`, id, value);
// Another link in the address bar.
const follow = (link) => browser.run("location.hash = arguments[0]", link);
const overflow = () =>
    browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
const turnDrawn = () =>
    browser.until("return document.querySelector('#turn-chart .chart svg')", "the turn's picture");
const mapDrawn = () =>
    browser.until(
        "return document.querySelectorAll('.cell').length === 30 &&" +
            "![...document.querySelectorAll('.cell text')].some((text) => text.textContent === '…')",
        "the map of sizes"
    );

async function aScreen() {
    await browser.size(1280, 900);
    await browser.go(address);
    await contains("#which-a", "example.jsonl");
    checks.check("the command line's experiment is shown", (await hash()).includes("a.workload.sessions=60"));
    checks.check(
        "and what is of generated loads is not",
        await browser.run("return document.querySelector('.field:has(#c-workload\\\\.sessions)').hidden")
    );
    await after(() => set("c-trace", ""));
    const words = await text(".headline");
    checks.check(
        "in sim's words",
        words.startsWith("scheduler-aware: the first token comes after "),
        words
    );
    checks.check(
        "and of which it is",
        (await text("#which-a")).includes("llama-13b on 2 GPUs of paper-4xa100"),
        await text("#which-a")
    );
    await turnDrawn();
    checks.check(
        "in charts",
        await browser.run("return document.querySelectorAll('.chart svg').length >= 5")
    );
    const lanes = await browser.run(
        "return [...document.querySelectorAll('#turn-chart .chart text')].map((text) => text.textContent)"
    );
    checks.check(
        "one of a turn's loads, computation and saves",
        ["load KV", "compute", "save KV", "first token"].every((name) => lanes.includes(name)),
        lanes
    );
    checks.check(
        "in the colours of its legend",
        await browser.run(
            "const fills = (at) => new Set([...document.querySelectorAll(at)].map((each) => each.getAttribute('fill')));" +
                "const drawn = fills('#turn-chart .chart rect'), named = fills('#turn-chart .legend rect');" +
                "return drawn.size >= 6 && [...drawn].every((colour) => named.has(colour))"
        )
    );
    checks.check(
        "a server's own share of HBM is its value, not a word for it",
        await browser.run(
            "const at = document.getElementById('c-engine.hbm_utilisation-text'), slider = document.getElementById('c-engine.hbm_utilisation');" +
                "return at.value === '' && at.placeholder === '1' && slider.value === slider.max"
        )
    );
    checks.check("nothing is wider than the screen", (await overflow()) <= 0, await overflow());
}

async function aSlider() {
    const busy = await figure("gpu_utilisation");
    let least = Infinity;
    for (const step of [16, 18]) {
        // the better of two: the machine may be busy
        const began = Date.now();
        await after(() => set("c-workload.sessions_per_s", step));
        least = Math.min(least, Date.now() - began);
    }
    checks.check("a slider that is let go gives a new result", (await figure("gpu_utilisation")) !== busy);
    checks.check("within a second", least < 1000, least);
    checks.check("and is in the link", /a\.workload\.sessions_per_s=0\.0/.test(await hash()), await hash());
    await browser.run(
        `${SET} for (let step = 100; step < 130; step++) set('c-workload.sessions_per_s', step);` // dragged
    );
    const shown = await browser.run("return document.getElementById('c-workload.sessions_per_s-text').value");
    await contains("#which-a", `${shown} sessions/s`);
    checks.check("of a slider that is dragged the last place counts", Number(shown) > 1, shown);
}

async function whatHasNoEffect() {
    const notice = (key) => text(`.field:has([id="c-${key}"]) .notice`);
    await after(() => set("c-max_turns-text", "150"));
    checks.check(
        "turns that end a run before its sessions do are told",
        /^Turns in all \(150\) ended this run/.test(await notice("workload.sessions")),
        await notice("workload.sessions")
    );
    await after(() => set("c-max_turns-text", "90000"));
    checks.check(
        "and turns that do not",
        /^The load ended this run, after \d+ turns/.test(await notice("max_turns")),
        await notice("max_turns")
    );
    await after(() => set("c-max_turns-text", ""));
    await after(() => set("c-policy", "none"));
    checks.check("what has an effect is told of no other", (await notice("policy")) === "");
    await after(() => set("c-tiers.dram.capacity-text", "3GB"));
    checks.check(
        "a tier that a policy does not use has no effect, and says so",
        (await notice("tiers.dram.capacity")) ===
            "No effect: every metric is what it was with the server's.",
        await notice("tiers.dram.capacity")
    );
    await after(() => set("c-policy", "vllm-lru"));
    checks.check(
        "what a preset does not heed is told",
        (await notice("tiers.dram.capacity")) === "Not heeded: vllm-lru ran with 0.",
        await notice("tiers.dram.capacity")
    );
    const findings = await text(".findings");
    checks.check(
        "in a sentence that begins with its name as it is",
        findings.includes("vllm-lru: tiers.dram.capacity stays 0"),
        findings
    );
    await after(() => follow(START));
}

async function aMistake() {
    await set("c-gpus-text", "many");
    const said = await browser.until(
        "const error = document.getElementById('c-gpus-error'); return !error.hidden && error.textContent",
        "the mistake to be told"
    );
    checks.check(
        "a mistake is told at its key",
        said.includes("whole number") && said.includes("many"),
        said
    );
    checks.check(
        "and marked",
        await browser.run("return document.getElementById('c-gpus').getAttribute('aria-invalid') === 'true'")
    );
    await after(() => browser.run("document.querySelector('.field:has(#c-gpus) .reset').click()"));
    checks.check(
        "and back to the beginning it is gone",
        await browser.run(
            "return document.getElementById('c-gpus-text').value === '2' && document.getElementById('c-gpus-error').hidden"
        )
    );
}

async function two() {
    await after(() => browser.click("#compare"));
    checks.check("two are shown", (await figure("ttft_mean_ns", 1)).startsWith("B"));
    checks.check("at first the same", (await text("[data-metric=ttft_mean_ns] .difference")) === "the same");
    await after(() => set("c-policy", "none"));
    checks.check(
        "B has its own policy",
        (await hash()).includes("b.policy=none") && !(await hash()).includes("a.policy"),
        await hash()
    );
    const told = await text("[data-metric=ttft_mean_ns] .difference");
    checks.check("what differs is said, and whether it is better", /^\+[0-9.]+ % worse$/.test(told), told);
    await turnDrawn();
    const verdict = await text("#verdict");
    checks.check("and in a verdict", verdict.includes("Mean TTFT: scheduler-aware is "), verdict);
    const turns = await browser.run(
        "return [...document.querySelectorAll('#turn-chart .turn')].map((turn) => turn.textContent.match(/session \\d+'s turn \\d+/)[0])"
    );
    checks.check("the same turn is drawn of both", turns.length === 2 && turns[0] === turns[1], turns);
    await browser.picture(join(pictures, "explore-compare-1280.png"));
    await after(() => browser.click("label[for=side-a]"));
    checks.check(
        "A can be changed again",
        (await browser.run("return document.getElementById('c-policy').value")) === "scheduler-aware"
    );

    const link = await browser.run("return location.href"),
        figures = [await figure("ttft_p99_ns", 0), await figure("ttft_p99_ns", 1)];
    await browser.reload();
    await browser.until("return document.getElementById('results').dataset.round > 0", "a result");
    checks.check(
        "the link holds all of it",
        JSON.stringify([await figure("ttft_p99_ns", 0), await figure("ttft_p99_ns", 1)]) ===
            JSON.stringify(figures),
        figures
    );
    checks.check("and stays", (await browser.run("return location.href")) === link);
    await after(() => browser.click("#compare"));
    checks.check(
        "and one is left",
        !(await hash()).includes("b.") && (await figure("ttft_p99_ns", 1)) === null
    );
}

async function aCell() {
    await mapDrawn();
    await after(async () => {
        await browser.run("document.querySelectorAll('.cell')[24].focus()"); // the lowest row's first
        await browser.press(RIGHT, ENTER);
    });
    checks.check(
        "a cell of the map is taken by the keyboard",
        /a\.tiers\.dram\.capacity=16GB/.test(await hash()) &&
            /a\.tiers\.ssd\.capacity=0(&|$)/.test(await hash()),
        await hash()
    );
    await after(() => set("c-tiers.dram.capacity-text", "16.25GB"));
    const marked = await browser.run(
        "return [...document.querySelectorAll('.cell')].filter((cell) => cell.querySelector('rect').getAttribute('stroke') !== 'none')" +
            ".map((cell) => cell.querySelector('title').textContent.split(':')[0]).join('; ')"
    );
    checks.check("a size beside the map's is marked at its own value", marked === "DRAM 16.3 GB, SSD 0", marked);
}

async function allSettings() {
    await browser.click("#all-settings > summary");
    const found = await browser.run(
        "const search = document.getElementById('search'); search.value = 'read buffer'; search.dispatchEvent(new Event('input', { bubbles: true }));" +
            "return [...document.querySelectorAll('.all .field')].filter((field) => !field.hidden).map((field) => field.dataset.key)"
    );
    checks.check(
        "a setting is found by what it means",
        found.length > 0 && found.length < 10 && found.includes("engine.read_buffer_layers"),
        found
    );
    await after(() => set("k-engine.read_buffer_layers", "0"));
    checks.check("and set", (await hash()).includes("a.engine.read_buffer_layers=0"), await hash());
    await browser.click("#all-settings > summary");
}

async function aTraceOfOnesOwn() {
    await after(() => follow(START));
    // Longer than a part, so that it comes in several.
    await browser.run(
        "const turns = [...Array(3000).keys()].map((i) => `${i},${i},,100,20`);" +
            "const file = new File(['session,arrival_s,think_s,prompt_tokens,reply_tokens\\n' + turns.join('\\n') + '\\n'], 'my own.csv');" +
            "const data = new DataTransfer(); data.items.add(file);" +
            "document.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));"
    );
    await contains("#which-a", "my own.csv");
    const which = await text("#which-a");
    checks.check("a trace that is dropped is run", which.includes("2,980 turns measured after 20"), which);
    const yaml = await browser.run(
        "let blob; const own = URL.createObjectURL; URL.createObjectURL = (made) => own((blob = made));" +
            "HTMLAnchorElement.prototype.click = () => {}; document.getElementById('export-yaml').click();" +
            "URL.createObjectURL = own; return blob.text()"
    );
    checks.check("and named in YAML as it is at home", yaml.includes('trace: "my own.csv"\n'), yaml.slice(0, 300));
    checks.check("and chosen", (await text("#c-trace option:checked")) === "my own.csv");
}

async function strangeLinks() {
    await after(() => follow(`${START}&a.no.such=1&compare=0&b.%zz`));
    const left = await text("#left");
    checks.check("what a link names and nobody knows is told", left.includes("a.no.such"), left);
    checks.check("and not kept", !(await hash()).includes("no.such"), await hash());
    await follow("#a.workload.sessions=100");
    await browser.until("return document.getElementById('measure-all')", "the refusal");
    await after(() => browser.run("document.getElementById('measure-all').click()"));
    checks.check(
        "a warm-up that leaves nothing to measure is mended at once",
        (await hash()).includes("a.warmup_turns=0"),
        await hash()
    );
    await after(() => follow(START));
}

async function byKeyboard() {
    await browser.run(
        "window.seen = []; document.activeElement.blur(); document.addEventListener('focusin', ({ target: at }) => {" +
            "const style = getComputedStyle(at);" +
            "seen.push({ id: at.id || at.tagName, outline: style.outlineStyle !== 'none' || style.opacity === '0' || at.classList.contains('cell')," +
            "named: !!(at.labels?.length || at.getAttribute('aria-label') || at.textContent.trim()) }); });"
    );
    await browser.press(...Array(40).fill(TAB));
    const seen = await browser.run("return seen");
    const ids = seen.map((at) => at.id);
    for (const id of [
        "skip",
        "compare",
        "copy",
        "c-model",
        "c-tiers.dram.capacity",
        "c-policy",
        "c-workload.sessions_per_s",
    ])
        checks.check(`Tab comes to ${id}`, ids.includes(id), ids);
    checks.check(
        "where it is can be seen",
        seen.every((at) => at.outline),
        seen.filter((at) => !at.outline)
    );
    checks.check(
        "and everything has a name",
        seen.every((at) => at.named),
        seen.filter((at) => !at.named)
    );
    await after(async () => {
        await browser.run("document.getElementById('c-tiers.dram.capacity').focus()");
        await browser.press(RIGHT);
    });
    checks.check(
        "an arrow moves a slider",
        /a\.tiers\.dram\.capacity=1[34]0GB/.test(await hash()),
        await hash()
    );
}

// What `sim` gives of a file, by metric.
function simulated(yaml) {
    const folder = mkdtempSync(join(tmpdir(), "reprise-page-"));
    try {
        writeFileSync(join(folder, "experiment.yaml"), yaml);
        const told = execFileSync(
            reprise,
            ["sim", "-c", join(folder, "experiment.yaml"), "--no-db", "--json"],
            { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }
        );
        return JSON.parse(told).runs[0].metrics;
    } finally {
        rmSync(folder, { recursive: true });
    }
}

async function takenAway() {
    await browser.run(
        "const made = (window.made = []); const own = URL.createObjectURL; URL.createObjectURL = (blob) => { made.push(blob); return own(blob); };" +
            "HTMLAnchorElement.prototype.click = function () { made.push(this.download); };" +
            "for (const name of ['yaml', 'csv', 'png']) document.getElementById('export-' + name).click();"
    );
    await browser.until(
        "return made.filter((item) => typeof item === 'string').length === 3",
        "the exports"
    );
    const told = await browser.run(
        "return Promise.all(made.filter((item) => item instanceof Blob).map(async (blob) => [blob.type, blob.size, blob.type === 'image/png' ? '' : await blob.text()]))"
    );
    const of = (type) => told.find((item) => item[0].startsWith(type)) || ["", 0, ""];
    const metrics = simulated(of("application/yaml")[2]);
    const rows = of("text/csv")[2]
        .trim()
        .split("\n")
        .map((line) => line.split(","));
    checks.check("CSV has the metrics", rows[0].join() === "metric,unit,value,meaning" && rows.length > 50);
    const other = rows.slice(1).filter((row) => Number(row[2]) !== metrics[row[0]]);
    checks.check("which `sim` gives of the experiment that YAML has", other.length === 0, other);
    checks.check("PNG has the charts", of("image/png")[1] > 20000, of("image/png")[1]);
}

async function aPhone() {
    await browser.size(390, 844);
    await after(() =>
        follow(
            `${START}&b.workload.sessions=60&b.warmup_turns=20&b.workload.sessions_per_s=0.3&b.policy=none&compare=1&show=b`
        )
    );
    for (const dark of [false, true]) {
        await browser.size(390, 844, dark);
        await turnDrawn();
        await browser.run("document.getElementById('all-metrics').open = true");
        checks.check(
            "on a phone nothing is wider than the screen",
            (await overflow()) <= 0,
            await overflow()
        );
        await browser.run("document.getElementById('all-metrics').open = false");
        const ink = await browser.run(
            "return document.querySelector('.chart text').getAttribute('fill') === getComputedStyle(document.documentElement).getPropertyValue('--dim').trim()"
        );
        checks.check("charts are drawn in the colours of the light", ink);
    }
    const small = await browser.run(
        "return [...document.querySelectorAll('button, select, input:not([type=radio])')].filter((item) => item.offsetParent && item.getBoundingClientRect().height < 22 && item.type !== 'checkbox').map((item) => item.id || item.className)"
    );
    checks.check("and what is touched is large enough", small.length === 0, small);
    await browser.picture(join(pictures, "explore-390-dark.png"));
}

// With a run under way that would take minutes.
async function leaving() {
    await follow("#a.workload.sessions=9000000");
    const page = await browser.run("return api.page");
    const isRunning = async () => {
        const told = await fetch(`${address}api/progress`, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ page }),
        });
        return (await told.json()).a.running;
    };
    const becomes = async (running) => {
        for (let i = 0; i < 400 && (await isRunning()) !== running; i++) await sleep(25);
        return (await isRunning()) === running;
    };
    await browser.until(
        "return document.querySelector('.look')",
        "a first look at fewer turns"
    );
    checks.check("a long run is looked at first, and goes on", await becomes(true));
    const fields = await browser.run(
        "return ['max_turns', 'warmup_turns'].map((key) => document.getElementById(`c-${key}-text`).value).join()"
    );
    checks.check("and its settings stay, not the look's", fields === "0,10000", fields);
    await browser.go("about:blank");
    checks.check("and ends when its page is left", await becomes(false));
}

try {
    for (const part of [
        aScreen,
        aSlider,
        whatHasNoEffect,
        aMistake,
        two,
        aCell,
        allSettings,
        aTraceOfOnesOwn,
        strangeLinks,
        byKeyboard,
        takenAway,
        aPhone,
        leaving,
    ])
        await part();
    const said = await browser.log();
    checks.check("the console is told nothing", said.length === 0, said);
} catch (error) {
    checks.check(error.stack, false);
} finally {
    await browser.close();
}
checks.end();
