"""Pages in a real browser: Debian's chromium, driven by playwright; skipped where either is not installed."""

from __future__ import annotations

import dataclasses
import re
import shutil

import pytest

import ganbench
from ganbench.report.cured import cures_page
from ganbench.report.page import render, render_changes, write_page
from tests.helpers.fake_results import fake_results
from tests.helpers.kinds_of_run import cure_of, searched, watched
from tests.helpers.varied import VARIED

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
PAGES = ["run.html", "changes.html", "settings.html", "search.html", "monitor.html", "cures.html"]
PAPER = 1032  # pixels: A4 across, less its margins
WIDTHS = {"wide": 1280, "narrow": 400}


@pytest.fixture(scope="module")
def results():
    return fake_results(trials=12, seeds=4, datasets=("ring", "digits"))


@pytest.fixture(scope="module")
def pages(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "run.html").write_text(render(results), encoding="utf-8")
    many = fake_results(trials=24, seeds=2, steps=200)
    (folder / "map.html").write_text(render(many), encoding="utf-8")
    varied = ganbench.Suite("varied", **VARIED).run(folder / "results", executor="local")
    (folder / "settings.html").write_text(render(varied.tables), encoding="utf-8")
    (folder / "search.html").write_text(render(searched()), encoding="utf-8")
    (folder / "monitor.html").write_text(render(watched()), encoding="utf-8")
    (folder / "changes.html").write_text(render_changes(results, [results]), encoding="utf-8")
    found = [cure_of(results), cure_of(results, healthy=0, loss=("hinge", {}))]
    write_page("cures.html", folder / "cures.html", page=cures_page(found, results))
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser, pages):
    """Open a page; at the end nothing may have been requested, and the console must be silent."""
    complaints, contexts = [], []

    def opened(name="run.html", anchor="", width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        asked = (pages / name).as_uri()
        page.on("request", lambda request: _note(request.url, asked, complaints))
        page.goto(asked + anchor)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _note(url: str, asked: str, complaints: list[str]) -> None:
    if not url.startswith(("data:", asked)):
        complaints.append(f"request: {url}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(open_page, name, scheme, width):
    page = open_page(name, color_scheme=scheme, width=WIDTHS[width])
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_narrow_screen(open_page, name):
    page = open_page(name, width=400)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_paper(open_page, name):
    page = open_page(name, width=PAPER)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER


@pytest.mark.parametrize("media, width", [("screen", 1280), ("screen", 1024), ("screen", 961), ("print", PAPER)])
def test_a_ranking_with_fid_is_not_cut(open_page, media, width):
    page = open_page(width=width)
    page.emulate_media(media=media)
    assert "FID" in page.locator(".ranking thead").last.inner_text()
    widths = "(all) => all.map((one) => [one.scrollWidth, one.clientWidth])"
    rankings = page.locator(".scroll:has(.ranking)").evaluate_all(widths)
    assert len(rankings) == 2
    assert [table for table in rankings if table[0] > table[1]] == []


@pytest.mark.parametrize("name", ["run.html", "settings.html", "search.html"])
def test_on_a_narrow_screen_ranks_stand_in_their_rows(open_page, name):
    page = open_page(name, width=400)
    outside = """(all) => all.filter((one) => {
        const [own, row] = [one.getBoundingClientRect(), one.parentElement.getBoundingClientRect()];
        return own.top < row.top || own.bottom > row.bottom;
    }).length"""
    ranks = page.locator("tbody .rank:visible")
    assert ranks.count() > 1
    assert ranks.evaluate_all(outside) == 0
    assert page.locator("table.settings thead:visible").count() == 0  # each value has its label


@pytest.mark.parametrize("name", PAGES)
def test_no_markup_of_other_formats_is_read(open_page, name):
    page = open_page(name)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    titles = page.locator("[title]").evaluate_all("(all) => all.map((one) => one.title)")
    shown = page.locator("body").inner_text()
    assert [text for text in (*titles, *shown.splitlines()) if "`" in text or "**" in text] == []


def _column(page, name: str) -> list[str]:
    return page.locator("section:first-of-type table.ranking tbody tr").evaluate_all(
        "(rows, name) => rows.map((row) => [...row.cells].find((c) => c.dataset.label === name)?.dataset.value)", name
    )


def test_a_click_sorts_numbers_and_another_turns_the_order(open_page):
    page = open_page()
    before = _column(page, "FID")
    button = page.locator("section:first-of-type th button", has_text="FID")
    button.click()
    values = _column(page, "FID")
    known = [float(v) for v in values if v]
    assert known == sorted(known) and sorted(values) == sorted(before)
    assert values[len(known) :] == [""] * (len(values) - len(known))  # no value comes last
    button.click()
    assert [float(v) for v in _column(page, "FID") if v] == known[::-1]
    assert button.locator("xpath=..").get_attribute("aria-sort") == "descending"


def test_the_keyboard_reaches_and_uses_the_columns(open_page):
    page = open_page()
    page.locator("section:first-of-type th button", has_text="FID").focus()
    page.keyboard.press("Enter")
    known = [float(v) for v in _column(page, "FID") if v]
    assert known == sorted(known)


def test_a_filter_hides_rows_and_says_how_many(open_page):
    page = open_page()
    page.locator("input[type=search]").first.fill("HINGE diverged")
    rows = page.locator("section:first-of-type table.ranking tbody tr")
    shown = [text.lower() for text in rows.locator("visible=true").all_inner_texts()]
    whole = [text.lower() for text in rows.evaluate_all("(rows) => rows.map((row) => row.textContent)")]
    wanted = [text for text in whole if "hinge" in text and "diverged" in text]
    visible = rows.evaluate_all("(rows) => rows.filter((row) => row.getBoundingClientRect().height > 0).length")
    assert visible == len(wanted) < len(whole)
    assert page.locator(".tools output").first.inner_text() == f"{len(wanted)} of {len(whole)}"
    assert len(shown) >= visible


def test_the_address_keeps_what_was_sorted_filtered_and_chosen(open_page):
    page = open_page()
    page.locator("section:first-of-type th button", has_text="FID").click()
    page.locator("input[type=search]").first.fill("hinge")
    page.locator("select.theme").select_option("dark")
    kept, order = page.evaluate("location.hash"), _column(page, "FID")
    again = open_page(anchor=kept)
    assert _column(again, "FID") == order
    assert again.locator("input[type=search]").first.input_value() == "hinge"
    assert again.evaluate("document.documentElement.dataset.theme") == "dark"
    assert again.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


def test_a_link_inside_the_page_keeps_the_state(open_page, results):
    page = open_page()
    page.locator("input[type=search]").first.fill("o")
    page.locator("section:first-of-type table.ranking tbody th a").nth(1).click()
    page.wait_for_function("location.hash.startsWith('#t-') && location.hash.includes('filter=o')")
    again = open_page(anchor=page.evaluate("location.hash"), reduced_motion="reduce")
    name = again.evaluate("location.hash.split('&')[0].slice(1)")
    assert again.locator(f"#{name}").is_visible()  # its box is open, and in sight
    again.wait_for_function(f"document.getElementById('{name}').getBoundingClientRect().top < innerHeight")


def test_the_scrubber_moves_through_the_samples(open_page):
    page = open_page()
    box = page.locator(".scrubber").first
    steps = page.locator(".samples").first.locator("figcaption").all_inner_texts()
    assert box.locator("output").inner_text() == f"step {steps[-1]}"
    last = box.locator("img").get_attribute("src")
    box.locator("input").focus()
    page.keyboard.press("Home")
    assert box.locator("output").inner_text() == f"step {steps[0]}"
    first = page.locator(".samples").first.locator("img").first
    assert box.locator("img").get_attribute("src") == first.get_attribute("src") != last
    assert box.locator("img").get_attribute("alt") == first.get_attribute("alt")


def test_play_moves_a_slider_to_its_end_and_stops_there(open_page):
    page = open_page()
    page.clock.install()
    for box in (page.locator(".scrubber").first, page.locator("section:first-of-type .tools:has(input[type=range])")):
        button, slider = box.locator("button"), box.locator("input")
        last = slider.get_attribute("max")
        shown = box.locator("output").inner_text()
        button.click()
        assert button.inner_text() == "pause"
        assert box.locator("output").inner_text() != shown  # it begins anew
        button.click()
        assert button.inner_text() == "play"
        button.click()
        page.clock.run_for(20_000)
        assert button.inner_text() == "play"
        assert slider.input_value() == last
        assert box.locator("output").inner_text() == shown


def test_a_link_to_a_trial_opens_it(open_page, results):
    trial = results.runs["trial"].iloc[-9]
    page = open_page(anchor=f"#t-{trial}", reduced_motion="reduce")
    inside = page.locator(f"#t-{trial}")
    assert inside.is_visible()
    inside.wait_for(state="visible")
    page.wait_for_function(f"document.getElementById('t-{trial}').getBoundingClientRect().top < innerHeight")


def test_without_scripts_everything_is_there(open_page, results):
    page = open_page(java_script_enabled=False)
    rows = page.locator("table.ranking tbody tr")
    assert rows.count() == results.runs["trial"].nunique()
    assert rows.first.is_visible()
    page.locator("details.card summary").first.click()


def test_dark_is_dark_and_light_is_light(open_page):
    def brightness(page) -> float:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / 765

    assert brightness(open_page(color_scheme="light")) > 0.9
    assert brightness(open_page(color_scheme="dark")) < 0.2


def test_on_paper_it_is_light_and_whole(open_page, tmp_path):
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")  # even where the reader chose dark
    colours = page.evaluate("(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))")
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert len(page.pdf(format="A4", landscape=True)) > 20_000


def test_downloads_are_files_without_a_request(open_page):
    page = open_page()
    links = page.locator("a[download]")
    names = links.evaluate_all("(all) => all.map((a) => a.download)")
    assert names == ["ranking.csv", "runs.csv", "summary.json"]
    with page.expect_download() as waiting:
        links.nth(1).click()
    assert waiting.value.suggested_filename == "runs.csv"
    assert waiting.value.path().read_text(encoding="utf-8").startswith("run,trial,dataset,")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_heatmap_keeps_its_columns_under_their_losses(open_page, width):
    page = open_page("map.html", width=WIDTHS[width])
    middles = "(cells) => cells.map((c) => { const b = c.getBoundingClientRect(); return b.x + b.width / 2; })"
    table = page.locator("table.map").first
    heads = table.locator("thead tr > *").evaluate_all(middles)
    for row in table.locator("tbody tr").all():
        assert row.locator(":scope > *").evaluate_all(middles) == pytest.approx(heads, abs=1)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_click_on_a_cell_shows_what_happened_at_the_setting(open_page, scripts):
    page = open_page("settings.html", java_script_enabled=scripts)
    cells = page.locator(".plane a")
    assert cells.count() == 16  # two methods, eight settings
    assert page.locator(".setting:visible").count() == 0
    cells.nth(11).locator(".m").first.click()
    shown = page.locator(".setting:visible")
    playwright.expect(shown).to_have_attribute("id", (cells.nth(11).get_attribute("href") or "")[1:])
    assert shown.locator("img").count() == 3
    cells.nth(2).focus()
    page.keyboard.press("Enter")
    playwright.expect(page.locator(cells.nth(2).get_attribute("href") or "")).to_be_visible()
    playwright.expect(shown).to_have_count(1)  # the script hides the other one a moment later


def test_a_link_to_a_setting_holds_beside_a_filter(open_page):
    page = open_page("settings.html", anchor="#m-0-1-3&t0.filter=hinge")
    assert page.locator(".setting:visible").get_attribute("id") == "m-0-1-3"


def test_the_budget_curve_that_is_pointed_at_stands_out_without_a_script(open_page):
    page = open_page("settings.html", java_script_enabled=False)
    first, second = page.locator("[aria-label^='Budget curves'] .method").all()
    faded = "e => getComputedStyle(e).opacity"
    first.locator("text").hover()
    assert (first.evaluate(faded), float(second.evaluate(faded)) < 0.5) == ("1", True)
    assert first.locator(".band").is_visible()
    assert not second.locator(".band").is_visible()


def test_one_slider_moves_the_samples_of_all_trials(open_page):
    page = open_page()
    box = page.locator("section:first-of-type .tools:has(input[type=range])")
    pictures = page.locator("section:first-of-type .gallery figure:not(.realfigure) img")
    before = pictures.evaluate_all("(all) => all.map((one) => one.src)")
    box.locator("input").focus()
    page.keyboard.press("Home")
    after = pictures.evaluate_all("(all) => all.map((one) => one.src)")
    assert len(after) >= 3
    assert all(a != b for a, b in zip(before, after, strict=True))
    page.keyboard.press("End")
    assert pictures.evaluate_all("(all) => all.map((one) => one.src)") == before


def test_trials_that_ended_early_stay_where_they_ended_while_the_others_go_on(browser, tmp_path):
    results = fake_results(trials=3, seeds=2)
    first, second = list(dict.fromkeys(results.runs["trial"]))[:2]  # the last one failed
    steps = [int(step) for step in results.samples[second]["steps"]]
    ended = {name: kept[:2] if name in ("steps", "samples") else kept for name, kept in results.samples[first].items()}
    short = dataclasses.replace(results, samples={**results.samples, first: ended})
    (tmp_path / "short.html").write_text(render(short), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "short.html").as_uri())
    box = page.locator("section:first-of-type .tools:has(input[type=range])")
    box.locator("input").focus()
    still = page.locator(f".gallery figure:has(a[href='#t-{first}']) img")
    frames = page.locator(f"#t-{first} .samples img").evaluate_all("(all) => all.map((one) => one.src)")
    shown = []
    for key in ("Home", *["ArrowRight"] * (len(steps) - 1)):
        page.keyboard.press(key)
        shown.append((box.locator("output").inner_text(), frames.index(still.get_attribute("src"))))
    page.close()
    assert shown == [(f"step {step:,}", min(i, 1)) for i, step in enumerate(steps)]


def test_a_click_on_a_verdict_leaves_the_trials_that_have_it(open_page):
    page = open_page()
    section = page.locator("section:first-of-type")
    verdict = section.locator(".families button").first
    name = verdict.inner_text().strip()
    verdict.click()
    rows = section.locator("table.ranking tbody tr")
    kept = rows.evaluate_all("(all) => all.filter((one) => !one.hidden).map((one) => one.textContent)")
    assert 0 < len(kept) < rows.count()
    assert all(name in text for text in kept)
    verdict.click()
    assert rows.evaluate_all("(all) => all.filter((one) => one.hidden).length") == 0


def test_figures_and_tables_can_be_saved(open_page):
    page = open_page("settings.html")
    for text, begin in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", b"#,Method")):
        with page.expect_download() as started:
            page.locator("button.tool", has_text=text).first.click()
        content = started.value.path().read_bytes()
        assert content.startswith(begin)
        assert b"var(" not in content
        assert len(content) > 100


def test_the_chooser_shows_one_chart_without_a_script(open_page):
    page = open_page(java_script_enabled=False)
    section = page.locator("section:first-of-type")
    assert section.locator(".chart:visible").count() == 1
    section.locator(".choices label").nth(1).click()
    shown = section.locator(".chart:visible")
    assert shown.count() == 1
    assert section.locator(".choices label").nth(1).inner_text().strip() in shown.get_attribute("aria-label")


def test_two_trials_are_pinned_side_by_side_and_the_address_keeps_them(open_page):
    page = open_page()
    section = page.locator("section:first-of-type")
    cards = section.locator("details.card")
    order = cards.evaluate_all("(all) => all.map((one) => one.querySelector('.inside').id)")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for trial in order[3:6]:
        page.locator(f"#{trial} button.tool", has_text="pin").click()
    pinned = section.locator(".pinned .inside")
    ids = "(all) => all.map((one) => one.id)"
    assert pinned.evaluate_all(ids) == order[4:6]  # the third took the place of the first
    boxes = "(all) => all.map((one) => (({ x, y, right }) => [x, y, right])(one.getBoundingClientRect()))"
    left, right = section.locator(".pinned details").evaluate_all(boxes)
    assert left[1] == right[1] and left[2] <= right[0]
    again = open_page(anchor=page.evaluate("location.hash"))
    assert again.locator("section:first-of-type .pinned .inside").evaluate_all(ids) == order[4:6]
    for trial in order[4:6]:
        page.locator(f"#{trial} button.tool", has_text="unpin").click()
    assert cards.evaluate_all("(all) => all.map((one) => one.querySelector('.inside').id)") == order
    assert not section.locator(".pinned").is_visible()


@pytest.mark.parametrize("width", [1280, 1024, 961])
def test_a_map_of_six_losses_is_not_cut(open_page, width):
    page = open_page("map.html", width=width)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    widths = "(all) => all.map((one) => [one.scrollWidth, one.clientWidth])"
    maps = page.locator(".scroll:has(.map)").evaluate_all(widths)
    assert len(maps) >= 2
    assert [sizes for sizes in maps if sizes[0] > sizes[1]] == []
