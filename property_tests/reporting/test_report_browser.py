#!/usr/bin/python3
"""The page in a browser: no console message, nothing fetched, nothing that sticks out at 400 or 1400 pixels or on paper, the same without scripts, readable
light and dark.

Skipped, by exit status 77, where there is no Chromium.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import numpy as np
from PIL import Image

import chromium
from report_runs import run_script, write_answers, write_sample

PAPER = 688    # pixels: A4 without its margins
SHOTS = os.environ.get("SLICECHECK_SCREENSHOTS")    # a folder for what the browser shows, to be looked at
CONTRAST = """(() => {
  const light = c => { const v = c.match(/[\\d.]+/g).map(Number).slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(c)) return c; }
    return getComputedStyle(document.body).backgroundColor; };
  let worst = [99, ''];
  for (const e of document.body.querySelectorAll('p, td, th, dd, dt, a, summary, figcaption, h1, h2, h3, code, small, math, ' +
      'span.outcome, span.source, .chip')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.localName !== 'math') continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, `${e.localName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`];
  }
  return worst;
})()"""


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name) / "run"
        write_sample(cls.folder)
        write_answers(cls.folder)
        done = run_script(cls.folder, "--quiet")
        assert done.returncode == 0, done.stderr
        cls.pages = [cls.folder / "index.html", *sorted((cls.folder / "theory").glob("*.html"))]
        cls.browser = chromium.Chromium()
        cls.addClassCleanup(cls.browser.__exit__)

    def setUp(self) -> None:
        self.browser.script(True)
        self.browser.media()
        self.browser.size(1400)

    def open_all(self) -> None:
        """Unfold everything, so that what is inside is measured too."""
        self.browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")

    def changed(self, name: str, old: str, new: str) -> Path:
        """A copy of the page with a planted mistake."""
        page = (self.folder / "index.html").read_text(encoding="utf-8")
        self.assertEqual(page.count(old), 1)
        path = self.folder / name
        path.write_text(page.replace(old, new), encoding="utf-8")
        return path

    def test_no_message_and_no_overflow(self) -> None:
        for page in self.pages:
            for width in (400, 1400):
                with self.subTest(page.name, width=width):
                    self.browser.size(width)
                    self.browser.open(page)
                    self.assertEqual(self.browser.overflow(), [])
                    self.open_all()
                    self.assertEqual(self.browser.overflow(), [])
                    self.assertEqual(self.browser.messages, [])

    def test_paper_cuts_nothing(self) -> None:
        self.browser.size(PAPER)
        self.browser.media(media="print")
        for page in self.pages[:2]:
            self.browser.open(page)
            self.open_all()
            self.assertEqual(self.browser.overflow(), [])
        self.browser.open(self.pages[0])
        self.assertEqual(self.browser.value("getComputedStyle(document.querySelector('nav.contents')).display"), "none")
        self.assertEqual(self.browser.value("getComputedStyle(document.querySelector('a.file'), '::after').content.includes('attr(href)') || "
                                            "getComputedStyle(document.querySelector('a.file'), '::after').content.includes('theory/')"), True)
        pdf = self.browser.pdf()
        self.assertEqual(pdf[:5], b"%PDF-")
        self.assertGreater(pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") + pdf.count(b"/Type /Page "), 3)

    def test_contrast(self) -> None:
        """Every text against its ground at least 4.5 to 1, the least that WCAG asks for."""
        for scheme in ("light", "dark"):
            for page in self.pages[:2]:
                with self.subTest(scheme, page=page.name):
                    self.browser.media(scheme)
                    self.browser.open(page)
                    self.open_all()
                    ratio, where = self.browser.value(CONTRAST)
                    self.assertGreaterEqual(ratio, 4.5, where)

    def test_plots_in_the_dark(self) -> None:
        """A drawing is dark on light by day and light on dark by night; grey images are the same."""
        shades = {}
        for scheme in ("light", "dark"):
            self.browser.media(scheme)
            self.browser.open(self.pages[0])
            for figure in ("figure-two_point_line-distance", "figure-two_moons-digits"):
                box = self.browser.value(f"(() => {{ const r = document.querySelector('#{figure} img').getBoundingClientRect();"
                                         "return {x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height}; })()")
                image = np.asarray(Image.open(io.BytesIO(self.browser.screenshot(clip=box))).convert("L"), dtype=float)
                shades[figure, scheme] = image
        drawing, digits = ([shades[figure, scheme] for scheme in ("light", "dark")] for figure in ("figure-two_point_line-distance", "figure-two_moons-digits"))
        self.assertGreater(np.median(drawing[0]), 240)
        self.assertLess(np.median(drawing[1]), 40)
        self.assertGreater(drawing[1].max(), 200)    # its ink is light
        self.assertLess(abs(digits[0] - digits[1]).max(), 3)

    def test_the_same_without_scripts(self) -> None:
        shown = []
        for allowed in (True, False):
            self.browser.script(allowed)
            self.browser.open(self.pages[0])
            shown.append(self.browser.screenshot())
        self.assertEqual(*shown)

    def test_mathematics_is_laid_out(self) -> None:
        """MathML is drawn as such: the fraction of L1 is taller than a line, and the index of a sum stands beneath it."""
        self.browser.open(self.pages[0], "#claim-L1")
        self.open_all()
        size = "(s => document.querySelector('#claim-L1 math[display] ' + s).getBoundingClientRect())"
        self.assertGreater(self.browser.value(f"{size}('mfrac').height"), 1.5 * self.browser.value(f"{size}('mfrac mi').height"))
        self.assertGreater(self.browser.value(f"{size}('munderover > *:nth-child(2)').top"),
                           self.browser.value(f"{size}('munderover > *:first-child').top + 8"))

    def test_planted_mistakes_are_seen(self) -> None:
        """These tests can fail: a box of 500 pixels, a broken script, a picture from the network, a table on paper, grey on grey."""
        self.browser.size(400)
        self.browser.open(self.changed("wide.html", '<main id="main">', '<main id="main"><div class="planted" style="width: 500px">wide</div>'))
        self.assertTrue(any("planted" in line for line in self.browser.overflow()), self.browser.overflow())
        self.browser.open(self.changed("held.html", '<main id="main">', '<main id="main"><div class="scroll"><div style="width: 500px">wide</div></div>'))
        self.assertEqual(self.browser.overflow(), [])
        self.browser.open(self.changed("script.html", "</main>", "<script>console.error('planted'); nowhere();</script></main>"))
        self.assertEqual(len(self.browser.messages), 2, self.browser.messages)
        self.browser.open(self.changed("network.html", "</main>", '<img src="http://127.0.0.1:9/x.png" alt=""></main>'))
        self.assertTrue(any(line.startswith("request: http://127.0.0.1:9") for line in self.browser.messages), self.browser.messages)
        self.browser.size(PAPER)
        self.browser.media(media="print")
        self.browser.open(self.changed("paper.html", '<main id="main">',
                                       '<main id="main"><div class="scroll"><div class="planted" style="width: 900px">wide</div></div>'))
        self.assertTrue(any("planted" in line for line in self.browser.overflow()))
        self.browser.media()
        self.browser.open(self.changed("grey.html", '<main id="main">', '<main id="main"><p style="color: #aaa; background: #fff">planted</p>'))
        self.assertLess(self.browser.value(CONTRAST)[0], 3)

    @unittest.skipUnless(SHOTS, "SLICECHECK_SCREENSHOTS names no folder")
    def test_screenshots(self) -> None:
        """Leaves pictures of the page for a person."""
        folder = Path(SHOTS or "")
        folder.mkdir(parents=True, exist_ok=True)
        for scheme in ("light", "dark"):
            for width in (400, 1400):
                self.browser.size(width)
                self.browser.media(scheme)
                self.browser.open(self.pages[0])
                self.open_all()
                (folder / f"{scheme}-{width}.png").write_bytes(self.browser.screenshot(whole=True))


if __name__ == "__main__":
    if not chromium.find():
        print("skipped: there is no Chromium (Debian: chromium)")
        sys.exit(77)
    unittest.main()
