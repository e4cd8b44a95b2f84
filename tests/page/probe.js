/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a page in a browser: tests/page/render.sh puts it at the page's end. Each fault becomes a
 * line of the element #probe, whose last line counts what was looked at. */
"use strict";
{
    const faults = [];
    const round = (box) => [box.left, box.top, box.right, box.bottom].map(Math.round).join(" ");
    const inside = (box, outer) => box.left >= outer.left - 1 && box.right <= outer.right + 1 &&
        box.top >= outer.top - 1 && box.bottom <= outer.bottom + 1;
    /* By how much two boxes cover each other, in pixels of the shorter way. */
    const overlap = (a, b) => Math.min(Math.min(a.right, b.right) - Math.max(a.left, b.left),
        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
    const luminance = (colour) => {
        const [r, g, b] = colour.match(/[0-9.]+/g).map(Number);
        return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    };

    const look_at_texts = (svg, outer) => {
        const texts = Array.from(svg.querySelectorAll("text")).filter((t) => t.textContent);
        const boxes = texts.map((t) => t.getBoundingClientRect());
        texts.forEach((text, i) => {
            if (!inside(boxes[i], outer))
                faults.push(`text "${text.textContent}" at ${round(boxes[i])} leaves its drawing`);
            for (let k = 0; k < i; k++)
                if (overlap(boxes[i], boxes[k]) > 3)
                    faults.push(`texts "${texts[k].textContent}" and "${text.textContent}" overlap`);
        });
        return texts.length;
    };

    let texts = 0;
    const drawings = Array.from(document.querySelectorAll("svg"));
    for (const svg of drawings) {
        const box = svg.getBoundingClientRect();
        if (box.width < 8 || box.height < 8)
            faults.push(`a drawing has no room: ${round(box)}`);
        texts += look_at_texts(svg, box);
    }
    for (const svg of document.querySelectorAll("figure svg[role=img]"))
        for (const path of svg.querySelectorAll("path"))
            if (/NaN|inf/i.test(path.getAttribute("d")))
                faults.push("a path has a coordinate that is no number");
    const root = document.documentElement;
    if (root.scrollWidth > window.innerWidth)
        faults.push(`the page is ${root.scrollWidth} wide, the window ${window.innerWidth}`);
    const loaded = performance.getEntriesByType("resource");
    for (const entry of loaded)
        faults.push(`loads ${entry.name}`);
    const style = getComputedStyle(document.body);
    const ground = luminance(style.backgroundColor), ink = luminance(style.color);
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    if (dark ? ground > 0.2 || ink < 0.7 : ground < 0.9 || ink > 0.3)
        faults.push(`${dark ? "dark" : "light"}: ground ${ground}, ink ${ink}`);

    const result = document.createElement("pre");
    result.id = "probe";
    result.textContent = faults.map((fault) => `fault: ${fault}\n`).join("") +
        `looked at: ${drawings.length} drawings, ${texts} texts, ${dark ? "dark" : "light"}, ` +
        `${window.innerWidth} wide, ${faults.length} faults`;
    document.body.append(result);
}
