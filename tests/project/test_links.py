"""A page links only to what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    gone = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not gone, f"{page.name} links to {gone}"


def test_every_page_is_found_from_the_readme() -> None:
    linked = LINK.findall((ROOT / "README.md").read_text())
    assert {page.name for page in PAGES[2:]} <= {Path(link).name for link in linked}
