// cli/explore/page/upload.js - a trace of the user's own, dropped onto the page or chosen: handed to the program in parts,
// which keeps it in a private folder until it ends.
"use strict";

const upload = (() => {
    const PART_BYTES = 36000; // 48,000 in base64: what a request may hold

    function base64(bytes) {
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192)
            text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);
    }

    async function asked(body) {
        const told = await api.ask("api/trace", body);
        if (told.error) throw new Error(told.error.text);
        return told;
    }

    // The name under which the program runs it.
    async function send(file, progress) {
        const { file: number } = await asked({ name: file.name });
        let told = {};
        for (let at = 0; at === 0 || at < file.size; at += PART_BYTES) {
            const part = new Uint8Array(await file.slice(at, at + PART_BYTES).arrayBuffer());
            const last = at + PART_BYTES >= file.size;
            told = await asked({ file: number, at, part: base64(part), last });
            progress(Math.min(1, (at + PART_BYTES) / file.size));
        }
        return told.trace;
    }

    // take(path): the trace is there. say(text): how far it is.
    async function take(file, taken, say) {
        try {
            const path = await send(file, (share) =>
                say(`Reading ${file.name}: ${Math.floor(100 * share)} %`)
            );
            state.names.trace.push({ name: path, about: file.name, handed: true });
            taken(path);
        } catch (error) {
            say(`${file.name} was not taken: ${error.message}`);
        }
    }

    // Files that are dropped anywhere on the page.
    function listen(taken, say) {
        const holdsFiles = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
        document.addEventListener("dragover", (event) => {
            if (!holdsFiles(event)) return;
            event.preventDefault();
            document.body.classList.add("dropping");
        });
        document.addEventListener("dragleave", (event) => {
            if (event.relatedTarget === null) document.body.classList.remove("dropping");
        });
        document.addEventListener("drop", (event) => {
            if (!holdsFiles(event)) return;
            event.preventDefault();
            document.body.classList.remove("dropping");
            if (event.dataTransfer.files.length > 0) take(event.dataTransfer.files[0], taken, say);
        });
    }

    return { take, listen };
})();
