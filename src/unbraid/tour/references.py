"""The papers that the page cites, listed at its end."""

from __future__ import annotations

import re
from typing import NamedTuple

from unbraid.pages.html import text


class Reference(NamedTuple):
    """A paper: ``short`` is how the text names it."""

    short: str
    authors: str
    title: str
    where: str
    link: str


ARTICLE = "rajaa2022"  # that the tour follows
REFERENCES = {
    "berger1982": Reference(
        "Berger 1982", "R. L. Berger", "Multiparameter Hypothesis Testing and Acceptance Sampling",
        "Technometrics 24", "https://doi.org/10.1080/00401706.1982.10487790",
    ),
    "burda2016": Reference(
        "Burda et al. 2016", "Y. Burda, R. Grosse, R. Salakhutdinov",
        "Importance Weighted Autoencoders", "ICLR", "https://arxiv.org/abs/1509.00519",
    ),
    "chen2016": Reference(
        "Chen et al. 2016",
        "X. Chen, Y. Duan, R. Houthooft, J. Schulman, I. Sutskever, P. Abbeel",
        "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative "
        "Adversarial Nets", "NeurIPS", "https://arxiv.org/abs/1606.03657",
    ),
    "chen2018": Reference(
        "Chen et al. 2018", "R. T. Q. Chen, X. Li, R. Grosse, D. Duvenaud",
        "Isolating Sources of Disentanglement in Variational Autoencoders", "NeurIPS",
        "https://arxiv.org/abs/1802.04942",
    ),
    "dupont2018": Reference(
        "Dupont 2018", "E. Dupont",
        "Learning Disentangled Joint Continuous and Discrete Representations", "NeurIPS",
        "https://arxiv.org/abs/1804.00104",
    ),
    "eastwood2018": Reference(
        "Eastwood and Williams 2018", "C. Eastwood, C. K. I. Williams",
        "A Framework for the Quantitative Evaluation of Disentangled Representations", "ICLR",
        "https://openreview.net/forum?id=By-7dz-AZ",
    ),
    "facco2017": Reference(
        "Facco et al. 2017", "E. Facco, M. d'Errico, A. Rodriguez, A. Laio",
        "Estimating the intrinsic dimension of datasets by a minimal neighborhood information",
        "Scientific Reports 7", "https://doi.org/10.1038/s41598-017-11873-y",
    ),
    "higgins2017": Reference(
        "Higgins et al. 2017",
        "I. Higgins, L. Matthey, A. Pal, C. Burgess, X. Glorot, M. Botvinick, S. Mohamed, "
        "A. Lerchner",
        "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
        "ICLR", "https://openreview.net/forum?id=Sy2fzU9gl",
    ),
    "hinton2006": Reference(
        "Hinton and Salakhutdinov 2006", "G. E. Hinton, R. R. Salakhutdinov",
        "Reducing the Dimensionality of Data with Neural Networks", "Science 313",
        "https://doi.org/10.1126/science.1127647",
    ),
    "holm1979": Reference(
        "Holm 1979", "S. Holm", "A Simple Sequentially Rejective Multiple Test Procedure",
        "Scandinavian Journal of Statistics 6", "https://www.jstor.org/stable/4615733",
    ),
    "ji2019": Reference(
        "Ji et al. 2019", "X. Ji, J. F. Henriques, A. Vedaldi",
        "Invariant Information Clustering for Unsupervised Image Classification and Segmentation",
        "ICCV", "https://arxiv.org/abs/1807.06653",
    ),
    "jackson2018": Reference(
        "Jackson et al. 2018",
        "Z. Jackson, C. Souza, J. Flaks, Y. Pan, H. Nicolas, A. Thite",
        "Free Spoken Digit Dataset", "Zenodo", "https://doi.org/10.5281/zenodo.1342401",
    ),
    "kingma2014": Reference(
        "Kingma and Welling 2014", "D. P. Kingma, M. Welling", "Auto-Encoding Variational Bayes",
        "ICLR", "https://arxiv.org/abs/1312.6114",
    ),
    "kingma2014semi": Reference(
        "Kingma et al. 2014", "D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling",
        "Semi-Supervised Learning with Deep Generative Models", "NeurIPS",
        "https://arxiv.org/abs/1406.5298",
    ),
    "klindt2021": Reference(
        "Klindt et al. 2021",
        "D. Klindt, L. Schott, Y. Sharma, I. Ustyuzhaninov, W. Brendel, M. Bethge, D. Paiton",
        "Towards Nonlinear Disentanglement in Natural Data with Temporal Sparse Coding", "ICLR",
        "https://arxiv.org/abs/2007.10930",
    ),
    "lecun1998": Reference(
        "LeCun et al. 1998", "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner",
        "Gradient-Based Learning Applied to Document Recognition", "Proceedings of the IEEE 86",
        "https://doi.org/10.1109/5.726791",
    ),
    "levina2004": Reference(
        "Levina and Bickel 2004", "E. Levina, P. J. Bickel",
        "Maximum Likelihood Estimation of Intrinsic Dimension", "NeurIPS",
        "https://proceedings.neurips.cc/paper/2004/hash/"
        "74934548253bcab8490ebd74afed7031-Abstract.html",
    ),
    "locatello2019": Reference(
        "Locatello et al. 2019",
        "F. Locatello, S. Bauer, M. Lucic, G. Rätsch, S. Gelly, B. Schölkopf, O. Bachem",
        "Challenging Common Assumptions in the Unsupervised Learning of Disentangled "
        "Representations", "ICML", "https://arxiv.org/abs/1811.12359",
    ),
    "locatello2020": Reference(
        "Locatello et al. 2020",
        "F. Locatello, M. Tschannen, S. Bauer, G. Rätsch, B. Schölkopf, O. Bachem",
        "Disentangling Factors of Variation Using Few Labels", "ICLR",
        "https://arxiv.org/abs/1905.01258",
    ),
    "mackay2005": Reference(
        "MacKay and Ghahramani 2005", "D. J. C. MacKay, Z. Ghahramani",
        "Comments on 'Maximum Likelihood Estimation of Intrinsic Dimension' by E. Levina and "
        "P. Bickel (2004)", "note", "https://www.inference.org.uk/mackay/dimension/",
    ),
    "mardia2000": Reference(
        "Mardia and Jupp 2000", "K. V. Mardia, P. E. Jupp", "Directional Statistics", "Wiley",
        "https://doi.org/10.1002/9780470316979",
    ),
    ARTICLE: Reference(
        "Rajaa 2022", "S. Rajaa", "Feature Disentanglement - I", "blog of Skit.ai",
        "https://tech.skit.ai/feature-disentanglement1/",
    ),
    "zhang1984": Reference(
        "Zhang and Suen 1984", "T. Y. Zhang, C. Y. Suen",
        "A Fast Parallel Algorithm for Thinning Digital Patterns", "Communications of the ACM 27",
        "https://doi.org/10.1145/357994.358023",
    ),
}  # fmt: skip


def cite(key: str, more: str = "") -> str:
    """Return a paper's name as HTML, linked to its place in the list.

    >>> cite("holm1979")
    '<a href="#ref-holm1979">Holm 1979</a>'
    """
    return f'<a href="#ref-{key}">{text(REFERENCES[key].short)}{text(more)}</a>'


def listed(html: str) -> str:
    """Return the list of the papers that a page's HTML cites, a section; empty if there is none."""
    cited = set(re.findall(r'href="#ref-([a-z0-9]+)"', html))
    items = [
        f'<li id="ref-{key}">{text(each.authors)} ({each.short.rpartition(" ")[2]}). '
        f'<a href="{each.link}" rel="noreferrer">{text(each.title)}</a>. {text(each.where)}.</li>'
        for key, each in sorted(REFERENCES.items(), key=lambda pair: pair[1].short)
        if key in cited
    ]
    if not items:
        return ""
    return (
        '<section id="references" aria-labelledby="references-title">\n'
        f'<h2 id="references-title">References</h2>\n<ul class="papers">{"".join(items)}</ul>\n'
        "</section>"
    )
