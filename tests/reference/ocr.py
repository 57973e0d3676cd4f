"""Pages in five fonts, three sizes and three states, and what rapidocr reads there.

    apt-get install fonts-dejavu-core fonts-dejavu-extra fonts-liberation
    pip install -r ocr.txt
    python ocr.py

writes `ocr/*.png` (as rendered), `ocr/*.jpg` (with noise), `ocr/*.webp` (2 degrees askew) and `ocr/golden.json`: for each
file what stands there, what rapidocr reads, and how many characters it gets wrong.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr_onnxruntime import RapidOCR

HERE = Path(__file__).parent / "ocr"
FONTS = {
    "sans": "dejavu/DejaVuSans.ttf",
    "serif": "dejavu/DejaVuSerif.ttf",
    "arial": "liberation/LiberationSans-Regular.ttf",
    "times": "liberation/LiberationSerif-Regular.ttf",
    "courier": "liberation/LiberationMono-Regular.ttf",
}
SIZES = [16, 22, 32]
WIDTH, HEIGHT, EDGE = 480, 480, 24
TEXT = """The northern line closes at 23:45 on weekdays. Please keep your ticket until you have left the station.
Invoice 2026-0417 of 12 May: three boxes of paper, 48.90 each, sum 146.70, due within 30 days.
Water boils at 100 degrees at sea level, but at 93.4 degrees on a mountain of 2,000 metres.
Quick wizards jump over five lazy dogs while a fox watches from behind the old stone wall.
Our meeting moved to room 7B; bring the signed forms, your badge and a pen. Coffee is free.
Wind from the south west, 15 to 25 knots, rain later; good visibility, sea slight to moderate.
Shake well before use. Keep away from children. Store in a dry place below 25 degrees."""


def wrapped(font, text, most):
    """Words in lines that are not wider than `most`."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def page(font, size, start):
    """A white page, and its lines; `start`: at which sentence the text begins."""
    font = ImageFont.truetype(f"/usr/share/fonts/truetype/{font}", size)
    sentences = TEXT.split("\n")
    text = " ".join(sentences[start:] + sentences[:start])
    step = round(size * 1.6)
    lines = wrapped(font, text, WIDTH - 2 * EDGE)[: (HEIGHT - 2 * EDGE) // step]
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((EDGE, EDGE + row * step), line, fill=0, font=font)
    return image, lines


def noisy(image, seed):
    noise = np.random.default_rng(seed).normal(0, 14, (HEIGHT, WIDTH))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def askew(image):
    return image.rotate(2, Image.Resampling.BICUBIC, fillcolor=255)


def letters(lines):
    """Without spaces: the models leave out some of them, and which depends on a fraction of a pixel."""
    return "".join("".join(lines).split())


def edits(a, b):
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def main():
    HERE.mkdir(exist_ok=True)
    engine = RapidOCR()
    pages = []
    for number, (name, font) in enumerate(FONTS.items()):
        for size in SIZES:
            image, lines = page(font, size, number)
            seed = number * 100 + size
            states = [
                (image, "png", {"optimize": True}),
                (noisy(image, seed), "jpg", {"quality": 40}),
                (askew(image), "webp", {"quality": 60}),
            ]
            for state, kind, options in states:
                path = HERE / f"{name}-{size}.{kind}"
                state.save(path, **options)
                found, _ = engine(str(path))
                read = [text for _, text, _ in found or []]
                pages.append(
                    {
                        "file": path.name,
                        "text": lines,
                        "rapidocr": read,
                        "edits": edits(letters(lines), letters(read)),
                    }
                )
                print(path.name, pages[-1]["edits"], len(letters(lines)))
    packages = ["rapidocr-onnxruntime", "onnxruntime", "opencv-python", "pillow", "numpy"]
    golden = {"made_with": {p: version(p) for p in packages}, "pages": pages}
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    wrong = sum(p["edits"] for p in pages)
    total = sum(len(letters(p["text"])) for p in pages)
    print(f"{wrong} of {total} characters wrong: {100 * wrong / total:.2f} %")


if __name__ == "__main__":
    main()
