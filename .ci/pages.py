"""Links of the pages that lead out of `docs/`, into the code beside it.

In: a page on its way through MkDocs. Out: the same; where a forge would follow a link into the repository, a site has nothing to
lead to, so the file's path stands there as text. A link to a file that does not exist is left, and ends a strict build.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from markdown import Extension
from markdown.treeprocessors import Treeprocessor

if TYPE_CHECKING:
    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

#: MkDocs looks at links with priority 0, and warns of all that lead nowhere: these are gone by then.
_BEFORE_MKDOCS = 1


class _Paths(Treeprocessor):
    """Turn `[text](../path)` into the text, and the path beside it unless the text is just that."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.folder = root

    def run(self, root: Element) -> None:
        """Take each link of the page."""
        for link in root.iter("a"):
            target = link.get("href", "").partition("#")[0]
            file = (self.folder / target).resolve()
            if target.startswith("../") and file.is_relative_to(self.root) and file.exists():
                _as_text(link, file.relative_to(self.root).as_posix())


def _as_text(link: Element, path: str) -> None:
    link.tag = "span"
    del link.attrib["href"]
    if "".join(link.itertext()).strip() == path:
        return
    children = list(link)
    if children:
        children[-1].tail = f"{children[-1].tail or ''} ("
    else:
        link.text = f"{link.text or ''} ("
    code = SubElement(link, "code")
    code.text, code.tail = path, ")"


class _Code(Extension):
    def __init__(self, root: Path) -> None:
        super().__init__()
        self.paths = _Paths(root)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  Markdown's own name
        """Put the paths in their place."""
        md.treeprocessors.register(self.paths, "shiftcal-paths", _BEFORE_MKDOCS)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the extension; Markdown takes an object where the file would have a name."""
    config.markdown_extensions.append(_Code(Path(config.docs_dir).parent.resolve()))
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Say where the page stands that comes next."""
    del files
    [code] = [one for one in config.markdown_extensions if isinstance(one, _Code)]
    code.paths.folder = (Path(config.docs_dir) / page.file.src_path).parent
    return markdown
