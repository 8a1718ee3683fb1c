"""What each claim says, in mathematics: the one place where the page, its Markdown twin and the tests have it from.

A new claim is one entry here. `formulas` are displayed, `given` and `words` are sentences with formulas between dollars, all in the notation of
theory/ (report_mathematics.py); `page` and `anchor` say where it is proved or explained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from report_mathematics import plain

THEORY = Path(__file__).resolve().parent.parent / "theory"


@dataclass(frozen=True)
class Statement:
    """One claim: what is given, the formulas, and the same in words."""

    given: str
    formulas: tuple[str, ...]
    words: str
    page: str
    anchor: str
    shown_by: tuple[str, ...] = ()    # experiments that show it, with or without verdicts on it
    title: str = ""                   # where the program has no claim of this id

    @property
    def place(self) -> str:
        return f"theory/{self.page}"

    @property
    def text(self) -> str:
        """The whole statement without markup."""
        return " ".join(filter(None, (plain_sentence(self.given), "; ".join(map(plain, self.formulas)) + ".", plain_sentence(self.words))))


def pieces(sentence: str) -> list[tuple[str, bool]]:
    """A sentence cut at its dollars: (piece, is it a formula)."""
    return [(piece, k % 2 == 1) for k, piece in enumerate(sentence.split("$")) if piece]


def plain_sentence(sentence: str) -> str:
    """A sentence with its formulas in plain text."""
    return "".join(plain(piece) if formula else piece for piece, formula in pieces(sentence))


def anchors(page: str) -> list[str]:
    """The anchors of a theory page's headings, as GitHub makes them."""
    return [slug(title) for title in re.findall(r"(?m)^#{1,6} +(.+?) *$", re.sub(r"(?ms)^```.*?^```", "", page))]


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


LOSS, TIES, TRAINING, AUDITED, GENERATIVE = "loss.md", "nonsmooth.md", "dynamics.md", "assumptions.md", "generative.md"
TRANSPORT = "regularised_transport.md"
BOUNDS, PLANE, MNIST = "transport-bounds", "transport-plane", "mnist-transport"    # experiments on it

STATEMENTS = {
    "L1": Statement(
        "For every exponent $p ≥ 1$ and every direction $θ$, with the projections sorted,",
        (r"w_θ(Z,Y) = min_{π} \frac{1}{n} Σ_{k=1}^{n} |θ·z_k − θ·y_{π(k)}|^p", r"w_θ(Z,Y) = \frac{1}{n} Σ_{k=1}^{n} |θ·z_{(k)} − θ·y_{(k)}|^p"),
        "Sorting solves the transport problem on a line.", LOSS, "l1-order-statistics"),
    "L2": Statement(
        r"For $p = 2$, every $θ$, and $‖Z′ − Z‖_{∞,2} ≤ r$, $‖Z″ − Z‖_{∞,2} ≤ r$,",
        (r"|w_θ(Z′,Y) − w_θ(Z″,Y)| ≤ κ ‖Z′ − Z″‖_{∞,2}", r"κ = 2(r + ‖Z‖_{∞,2} + ‖Y‖_{∞,2})"),
        "The loss is locally Lipschitz in the points, and no smaller constant in these numbers will do.", LOSS, "l2-lipschitz-in-the-points"),
    "L3": Statement(
        r"If $u ↦ T(u,x_k)$ is $Λ$-Lipschitz on $B(u_0,ε)$ for all $k ≤ n$, then for $u′, u″$ in that ball",
        (r"|f(u′) − f(u″)| ≤ K_f ‖u′ − u″‖", r"K_f = 2Λ(εΛ + max_{k} ‖T(u_0,x_k)‖ + max_{k} ‖y_k‖)"),
        "The loss of one batch is locally Lipschitz in the parameters, with a constant that is computed.", LOSS, "l3-f-is-locally-lipschitz-in-u"),
    "L4": Statement(
        r"For $u′, u″$ in $B(u_0,ε)$ and images in $\R^d$,",
        (r"|F(u′) − F(u″)| ≤ \frac{1}{d} \E[K_f] ‖u′ − u″‖",),
        "The expected loss is locally Lipschitz too, with a constant that is smaller by the dimension.", LOSS,
        "l4-f-is-locally-lipschitz-in-u-with-a-sharper-constant"),
    "L5": Statement(
        "For every permutation $π$, vector $v$, orthogonal $Q$ and $s > 0$,",
        (r"w_θ(Z_π,Y) = w_θ(Z,Y) = w_θ(Y,Z) ≥ 0", r"w_θ(Z + v,Y + v) = w_{Q θ}(Q Z,Q Y) = w_θ(Z,Y)", r"w_θ(s Z,s Y) = s^p w_θ(Z,Y)",
         r"w(Z,Y)^{1/p} ≤ w(Z,W)^{1/p} + w(W,Y)^{1/p}"),
        "The loss is a distance between clouds, and forgets order, origin and orientation.", LOSS, "l5-invariances"),
    "L6": Statement(
        "For every cloud $Z$ and vector $v$,",
        (r"w_θ(Z,Z + v) = |θ·v|^p", r"SW_2^2(Z,Z + v) = \frac{‖v‖^2}{d}", r"SW_2^2(Z,Y) ≤ \frac{1}{d} W_2^2(Z,Y)"),
        "Where the value is known in closed form, it is that.", LOSS, "l6-closed-forms"),
    "L7": Statement(
        r"For the mean $m_L$ of $w_θ(Z,Y)$ over $L$ independent uniform directions, and $B = max_{k,l} ‖z_k − y_l‖^2$,",
        (r"\P(|m_L − SW_2^2(Z,Y)| > B \sqrt{\frac{ln(2/δ)}{2L}}) ≤ δ",),
        "The mean over random directions estimates the sliced distance, with an error that Hoeffding bounds.", LOSS, "l7-monte-carlo-over-directions",
        ("calibration",)),
    "L8": Statement(
        r"Where no projections are tied, with $Δ_k = θ·z_k − θ·y_{σ(k)}$ and $σ$ the sorted matching, for $p > 1$ (and $p = 1$ where $Δ_k ≠ 0$),",
        (r"\frac{∂w_θ}{∂z_k} = \frac{p}{n} |Δ_k|^{p−1} sign(Δ_k) θ",),
        "The gradient for every exponent; second derivatives are unbounded for $1 < p < 2$.", LOSS, "l8-every-exponent"),
    "L9": Statement(
        r"For independent samples $Z, Y$ of $n$ points of one law in $\R^d$ with covariance $s^2 I$ and a density of at most $M$, $v_d$ the volume of the ball,",
        (r"\E[SW_2^2(Z,Y)] ≥ \frac{2s^2}{n}", r"\E[max_{‖θ‖=1} w_θ(Z,Y)] ≥ \frac{2s^2 d}{n}", r"\E[W_2^2(Z,Y)] ≥ \frac{1}{2} (2M n v_d)^{−2/d}"),
        "In high dimension $W_2$ needs exponentially many samples; the sliced distance does not, but its signal shrinks like $1/d$.", LOSS, "l9-complexity",
        ("complexity",),
        "sample and projection complexity"),
    "N1": Statement(
        r"With $θ·z_k$ grouped into blocks $B$ of equal values and $b_B$ the sorted $θ·y$ of a block's ranks,",
        (r"∂_C w_θ(Z) = \set{(\frac{2}{n} θ (θ·z_k − m_k))_k : m_B ∈ Perm(b_B)}",),
        "What a gradient may be where projections are tied: each block's targets may be averaged over its orders.", TIES, "n1-the-subdifferential",
        ("clarke-set",)),
    "N2": Statement(
        r"For $m, b ∈ \R^q$, both sorted downwards,",
        (r"m ∈ Perm(b) ⇔ m ≺ b", r"m ≺ b : Σ_{i=1}^{j} m_i ≤ Σ_{i=1}^{j} b_i \text{ for }j < q, \text{ and }Σ_{i=1}^{q} m_i = Σ_{i=1}^{q} b_i"),
        "Membership in the hull of all orders is majorisation (Rado).", TIES, "n2-membership-is-majorisation"),
    "N3": Statement(
        r"With $D = ∂_C w_θ(Z)$, if the $θ·v_k$ are distinct within each block,",
        (r"lim_{ε→0+} ∇w_θ(Z + εV) = argmin_{g ∈ D} ⟨g,V⟩",),
        "Coming from one side, the gradient is a vertex of the set.", TIES, "n3-and-n5-the-two-sides-of-a-tie"),
    "N4": Statement(
        "Whatever sorted matching $σ$ a rule for ties chooses,",
        (r"(\frac{2}{n} θ (θ·z_k − θ·y_{σ(k)}))_k ∈ ∂_C w_θ(Z)",),
        "Every tie-break is a member of the set, and so is every convex combination.", TIES, "n4-every-tie-break-is-a-member"),
    "N5": Statement(
        r"With $D = ∂_C w_θ(Z)$, if $|θ·v_k|$ is below half of the gap between blocks for all $k$,",
        (r"w_θ(Z + V) − w_θ(Z) = min_{g ∈ D} ⟨g,V⟩ + \frac{1}{n} Σ_{k=1}^{n} (θ·v_k)^2",),
        "The change of the loss at a finite step is known exactly, at a tie too.", TIES, "n3-and-n5-the-two-sides-of-a-tie"),
    "N6": Statement(
        r"A tie of $i$ and $j$, with targets $b$ and $b′$ of its block, changes the gradient $φ$ of $u ↦ f(u)$ exactly if",
        (r"\frac{2}{n} (J_i^⊤ θ − J_j^⊤ θ)(b − b′) ≠ 0",),
        "Equal inputs have equal Jacobians: ties between duplicates are harmless.", TIES, "n6-harmful-and-harmless-ties"),
    "N7": Statement(
        r"For every absolutely continuous curve $c$ and every selection $v(s) ∈ ∂_C f(c(s))$,",
        (r"f(c(1)) − f(c(0)) = ∫_0^1 ⟨v(s),c′(s)⟩ d s",),
        "Whatever subgradient is taken at ties and kinks, it integrates to the change of the loss.", TIES, "n7-path-differentiability"),
    "N8": Statement(
        r"For $u_0$ with an absolutely continuous law, every admissible step size $α$, and $N$ the set where $f$ has no derivative in $u$,",
        (r"\P((u_t,X_t,Y_t,θ_t) ∈ N \text{ for some }t) = 0",),
        "SGD meets no harmful tie and no kink of a unit that moves.", TIES, "n8-what-sgd-meets"),
    "N9": Statement(
        r"For a measure of criticality with the ends $l(u)$ and $h(u)$,",
        (r"l(u) ≤ dist(0,∂_C F(u) + N_r(u)) ≤ h(u)",),
        "How far $u$ is from critical is bracketed, and the ends meet where the network is smooth and no images coincide.", TIES, "n9-criticality"),
    "T0": Statement(
        r"Along every solution of $u′(s) ∈ −∂_C F(u(s))$,",
        (r"F(u(s)) = F(u(0)) − ∫_0^s ‖u′(τ)‖^2 d τ",),
        "The flow loses exactly what it dissipates, and its limit points are critical.", TRAINING, "the-subgradient-flow-t0", ("flow-limit",)),
    "T1": Statement(
        r"For $K$ compact, $u_0$ with an absolutely continuous law on $K$, almost every $α$, and every $η > 0$,",
        (r"lim_{α→0} \P(d_C(u_α,S(K)) > η) = 0", r"u_{t+1} = u_t − αφ(u_t,X_t,Y_t,θ_t)"),
        "For small steps, the path of SGD is close to a solution of the subgradient flow, on every bounded time.", TRAINING,
        "sgd-follows-the-flow-as-α--0-t1", ("flow-limit",)),
    "T2": Statement(
        r"If $C = sup ‖∂_u^2 f‖$ over the pieces is finite, every $α < 1/C$ is admissible; on the two-point line with $n = 2$,",
        (r"u_{t+1} ∈ \set{−1,0,1} \text{ for }α = 1/2, \text{ whatever }u_t",),
        "Almost every step size is admissible, not every one.", TRAINING, "almost-every-α-t2", ("flow-limit",)),
    "T3": Statement(
        "From the tie of the two-point line,",
        (r"S(\set{0}) = \set{0} ∪ \set{±c_n (1 − \text{e}^{−2(s−τ)_+}) : τ ≥ 0}",),
        "The flow may have several solutions; SGD approaches the set of them.", TRAINING, "several-solutions-t3", ("flow-limit",)),
    "T4": Statement(
        r"For $u_{t+1} = π_r(u_t − αφ + αaε_t)$, $a > 0$, almost every $r$, and every $η > 0$,",
        (r"lim_{α→0} limsup_{t→∞} \P(dist(u_t,C_r) > η) = 0", r"C_r = \set{u ∈ B(0,r) : 0 ∈ −∂_C F(u) − N_r(u)}"),
        "For small steps, noised projected SGD ends near the critical points of the ball.", TRAINING, "npsgd-enters-a-neighbourhood-of-c_r-t4",
        ("npsgd-neighbourhood",)),
    "T5": Statement(
        "The ball is large enough if",
        (r"⟨g,u⟩ > 0 \text{ for all }g ∈ ∂_C F(u), ‖u‖ = r",),
        "Then no critical point of the ball lies on its sphere; for small $r$ some do.", TRAINING, "critical-points-on-the-sphere-t5", ("npsgd-neighbourhood",
                                                                                                                                        "npsgd-guidelines")),
    "T6": Statement(
        r"Over a flow time $S = αT$, the noise adds up to the variance",
        (r"Σ_{t=1}^{T} (αa)^2 = αa^2 S → 0", r"Σ_{t=1}^{T} (\sqrt{α} a)^2 = a^2 S \text{ for every }α"),
        "Each assumption matters: for each there is a training that breaks it, and the statement that then fails is named.", TRAINING,
        "what-the-assumptions-buy-t6", ("npsgd-neighbourhood",)),
    "G1": Statement(
        r"For the unit vector $θ$ and the value $v$ that a search reports, and any start $θ_0$ of it,",
        (r"v = w_θ(Z,Y) ≤ max_{‖ϑ‖ = 1} w_ϑ(Z,Y) ≤ W_2^2(Z,Y)", r"v ≥ w_{θ_0}(Z,Y)", r"v = max_{‖ϑ‖ = 1} w_ϑ(Z,Y) \text{ in the plane}"),
        "What is found is a lower bound on the max-sliced distance, not below any start, and exact in the plane.", GENERATIVE, "g1-max-sw-from-below"),
    "G2": Statement(
        r"For every exponent $p ≥ 1$ and $SW_p$ the p-th root of $SW_p^p$,",
        (r"SW_1^2 ≤ SW_2^2", r"⟨∇_Z SW_p,Z⟩ + ⟨∇_Y SW_p,Y⟩ = SW_p", r"‖∇_Z SW_p‖ ≤ n^{−1/max(p,2)}"),
        "A loss is what its name says. The gradient of a root is bounded, is taken as 0 at $Z = Y$, and does not go to 0 there.", GENERATIVE,
        "g2-exponents-and-roots"),
    "G3": Statement(
        r"For permutations $π$ and $ρ$ of the labels, where $h$ is the identity or the features of a critic,",
        (r"SW_p^p(h(Z_π),h(Y_ρ)) = SW_p^p(h(Z),h(Y))", r"φ(u,X_π,Y_ρ,θ) = φ(u,X,Y,θ)"),
        "A sliced loss is a function of two sets of points, behind a critic too, whether it normalises its batch or not.", GENERATIVE,
        "g3-sliced-losses-do-not-see-labels"),
    "G4": Statement(
        r"For the objectives $f$ of the generator and $g$ of the critic, and two steps of SGD,",
        (r"(u,v) ↦ (u − α ∂_u f(u,v),v)", r"(u,v) ↦ (u,v − β ∂_v g(u,v))"),
        "Each player moves only itself, along the gradient of its own declared objective, with its own declared step size.", GENERATIVE,
        "g4-each-player-moves-only-itself"),
    "G5": Statement(
        r"For $n$ points, of which $n_m$ have the centre $m$ for their nearest one and are at most 0.03 from it,",
        (r"q = \frac{1}{n} Σ_{m} n_m ≤ 1", r"\text{modes} = |\set{m : n_m ≥ n/18}| ≤ 18 q"),
        "No point counts twice, and a cloud that is spread out between the centres is not called good.", GENERATIVE, "g5-mode-coverage"),
    "G6": Statement(
        r"For networks $T$ and $D$, a seed $s$ and a replicate $r$, whatever the objectives, schemes and step sizes,",
        (r"(u_0,v_0,θ_1,θ_2,…) = k(T,D,s,r)",),
        "Trainings with equal seeds start alike, to the bit, and see the same directions in the same order.", GENERATIVE, "g6-equal-seeds-start-alike"),
    "R1": Statement(
        r"For weights $a, b$, a cost $C$, $λ > 0$, $V = φ ⊖ ψ − C$ and $f(V) = (λ/\text{e}) \text{e}^{V/λ}$ (KL) or $V_+^2/(2λ)$ (quadratic),",
        (r"min_{π} ⟨π,C⟩ + λI(π) = max_{φ,ψ} Σ_i a_i φ_i − Σ_j b_j ψ_j − Σ_{i,j} a_i b_j f(V_{i j})", r"π^*_{i j} = a_i b_j f′(V_{i j})"),
        "The regularised problem has no duality gap, and its only optimal plan is read off any optimal potentials.", TRANSPORT, "r1-duality"),
    "R2": Statement(
        r"For ANY potentials with the plan $π$, and any plan $π′$ with the marginals $a$ and $b$, with $\text{KLg}(p,q) = Σ (p ln (p/q) − p + q)$ for KL,",
        (r"P(π′) − D(φ,ψ) = λ \text{KLg}(π′,π)", r"P(π′) − D(φ,ψ) = \frac{λ}{2} ‖π′ − π‖_χ^2 + Σ π′V_−"),
        "A solver knows its own error without a reference: the dual value is below $d$, and $d$ is at most the gap above it. Second line: quadratic.", TRANSPORT,
        "r2-the-certificate", (BOUNDS,)),
    "R3": Statement(
        r"If an atom of weight $a_i$ is split into copies with weights $s_k a_i$, $Σ s_k = 1$,",
        (r"d(a′,b,C′) = d(a,b,C)", r"π′_{k j} = s_k π_{i j}"),
        "Nothing changes, so the generator need not be one-to-one; with the plain entropy $Σπ ln π$ it would have to be.", TRANSPORT, "r3-splitting-an-atom"),
    "R4": Statement(
        r"For $h = d$ and $d̄ = d − λI(π^*)$ as functions of $θ$, where $C$ has a derivative, KL and quadratic,",
        (r"∇d = Σ_{i,j} π^*_{i j} ∇C_{i j}", r"∇d̄ = ∇d − λ∇I(π^*)"),
        "The plan's formula is the gradient of $d$, and of nothing else: the two gradients differ, even in sign.", TRANSPORT, "r4-two-gradients", (BOUNDS,)),
    "R5": Statement(
        r"For KL, on a convex set on which $‖∇C_{i j}‖ ≤ L_0$ and every $∇C_{i j}$ is $L_1$-Lipschitz,",
        (r"‖∇h(θ) − ∇h(θ′)‖ ≤ (L_1 + \frac{L_0^2}{λ}) ‖θ − θ′‖", r"‖π^*(θ) − π^*(θ′)‖_1 ≤ \frac{L_0}{λ} ‖θ − θ′‖"),
        "The regularised objective is smooth, and the constant is attained; $L_0$ may be taken after subtracting $u ⊕ v$ from $∇C$.", TRANSPORT,
        "r5-smoothness-under-kl", (BOUNDS,)),
    "R6": Statement(
        r"For the quadratic regulariser, with $λ_{max}(Σ a b ∇C ∇C^⊤) ≤ L̃_0^2$ for every $θ$,",
        (r"‖∇h(θ) − ∇h(θ′)‖ ≤ (L_1 + \frac{L̃_0^2}{λ}) ‖θ − θ′‖", r"‖π^*(θ) − π^*(θ′)‖_χ ≤ \frac{L̃_0}{λ} ‖θ − θ′‖"),
        "The same with a smaller constant, a root mean square over pairs, which would be false for KL.", TRANSPORT, "r6-smoothness-under-the-quadratic-regulariser",
        (BOUNDS,)),
    "R7": Statement(
        r"For potentials within $ε$ of the dual optimum, $G = Σ π∇C$, and $τ$ the inverse of $t − ln (1 + t)$ on $t ≥ 0$,",
        (r"‖G − ∇h‖ ≤ L_0 τ(ε/λ) \text{ (KL)}", r"‖G − ∇h‖ ≤ L_0 \sqrt{2ε/λ} \text{ (KL, }Σ π = 1)",
         r"‖G − ∇h‖ ≤ L̃_0 \sqrt{2ε/λ} \text{ (quadratic)}"),
        "How wrong a gradient is that comes from inexact potentials, with its constant.", TRANSPORT, "r7-inexact-potentials", (BOUNDS, PLANE)),
    "R8": Statement(
        r"For $h$ with an $L$-Lipschitz gradient, $Δ = h(θ_0) − inf h$, errors of at most $δ$, noise of variance at most $σ^2$ and a constant $α ≤ 1/L$,",
        (r"\frac{1}{T} Σ_{t<T} \E‖∇h(θ_t)‖^2 ≤ \frac{2Δ}{αT} + δ^2 + Lασ^2",),
        "Algorithm 1 gets near a stationary point, as near as its oracle and its noise let it.", TRANSPORT, "r8-stationarity", (BOUNDS, PLANE)),
    "R9": Statement(
        r"For every $λ > 0$, where every $∇C_{i j}$ is $L_1$-Lipschitz,",
        (r"h(θ + v) ≤ h(θ) + ⟨∇h(θ),v⟩ + \frac{L_1}{2} ‖v‖^2", r"\frac{1}{T} Σ_{t<T} \E‖∇h(θ_t)‖^2 ≤ \frac{2Δ}{αT} + δ^2 + L_1 ασ^2 \text{ for }α ≤ 1/L_1"),
        "A step of $1/L_1$ is small enough, however small $λ$: $h$ is a minimum of smooth functions, and may bend downwards as it likes.", TRANSPORT,
        "r9-one-sided-smoothness", (BOUNDS, PLANE)),
    "R10": Statement(
        r"With errors $δ_t$ that change from step to step and a constant $α$, R8 and R9 hold with",
        (r"δ^2 = \frac{1}{T} Σ_{t<T} \E δ_t^2",),
        "Only the mean error counts; for steps $α_t$ that change, both sides become means weighted by $α_t$.", TRANSPORT,
        "r10-errors-that-change-from-step-to-step", (BOUNDS,)),
    "R11": Statement(
        r"For $S$ atoms of each law, $Z = m∇C$ and $V, V_x, V_y$ the variances of $Z$ and of its means given $x$ and given $y$, Algorithm 1's $g$ has",
        (r"\E g = G", r"\E‖g − G‖^2 = \frac{V + (S − 1)(V_x + V_y)}{S^2}"),
        "The noise falls like $1/S$, not like $1/S^2$: the pairs share their points.", TRANSPORT, "r11-minibatches", (BOUNDS,)),
    "R12": Statement(
        r"For $L_λ = 2d(G_θ,Y) − d(G_θ,G_θ) − d(Y,Y)$, with $d$ and not $d̄$, errors $δ$ and variances $σ^2$ of each term's gradient,",
        (r"‖\text{error}‖ ≤ 3δ", r"\E‖\text{noise}‖^2 ≤ 5σ^2 \text{ (batches of their own)}",
         r"\E‖\text{noise}‖^2 ≤ 9σ^2 \text{ (one batch)}"),
        "R8 holds for Algorithm 2 with these, a smoothness of $2L$ plus that of the self term, and the $Δ$ of $L_λ$.", TRANSPORT,
        "r12-the-gradient-of-the-sinkhorn-loss", (PLANE, MNIST)),
    "R13": Statement(
        r"If $G_{θ_0}(X) = Y$ in law, the cost is symmetric and the loss has a derivative there,",
        (r"L_λ(θ_0) = 0", r"∇L_λ(θ_0) = 0 \text{ for every }λ"),
        "The truth is stationary for the Sinkhorn loss, by symmetry alone; for $d$ it is not.", TRANSPORT, "r13-stationary-at-the-truth", (BOUNDS, PLANE)),
    "R14": Statement(
        r"With KL, $L_λ ≥ 0$ where $e^{−c/λ}$ is a positive definite kernel; but there are a distance, a $λ$ and two laws with",
        (r"L_λ < 0",),
        "Stationary is all that the lemma gives: the truth need not be a minimum.", TRANSPORT, "r14-no-global-statement", (BOUNDS,)),
    "R15": Statement(
        r"With $H$ the entropy of the weights and $d_c$ the transport distance without regulariser,",
        (r"d_c ≤ d̄ ≤ d ≤ d_c + λ min(H(a),H(b)) \text{ (KL)}", r"d_c + \frac{λ}{2} ≤ d ≤ d_c + \frac{λ}{2} min(n,m) \text{ (quadratic)}"),
        "How near the regularised value is to the transport distance for small $λ$.", TRANSPORT, "r15-small-λ", (BOUNDS,)),
    "R16": Statement(
        r"With $C_⊥$ the cost centred under $a$ and $b$, and for the quadratic regulariser $λ ≥ max C_⊥$,",
        (r"0 ≤ \E C − d ≤ \frac{\text{osc}(C_⊥)^2}{8λ} \text{ (KL)}", r"d = \E C + \frac{λ}{2} − \frac{\E C_⊥^2}{2λ} \text{ (quadratic)}",
         r"L_λ → 2\E c(X,Y) − \E c(X,X′) − \E c(Y,Y′)"),
        "What is left for large $λ$: the mean cost of independent points, and a squared MMD if $−c$ is a kernel.", TRANSPORT, "r16-large-λ", (BOUNDS,)),
    "F1": Statement(
        "Published, section 2.2, and false:",
        (r"∇d = ∇d̄",),
        r"On two atoms against two the derivatives have opposite signs: .4768 and −.3631. What is true: $∇d̄ = ∇d − λ∇I(π^*)$ (R4).", TRANSPORT,
        "f1-the-two-gradients-agree", (BOUNDS,), "the two gradients agree"),
    "F2": Statement(
        r"Published, Theorem 3.1 with the costs of section 5, and false for $c = ‖x − y‖_1$:",
        (r"‖∇h(θ) − ∇h(θ′)‖ ≤ L ‖θ − θ′‖",),
        r"For one atom against one, $h = ‖θ − y‖_1$ whatever $λ$: there is a kink. What is left is the stability of the plan (R5).", TRANSPORT,
        "f2-the-l1-cost-is-covered", (), "the L1 cost is covered"),
    "F3": Statement(
        r"Published, Theorem 4.1, and false for KL plans of any mass, with the constant of plans of mass 1:",
        (r"‖G − ∇h‖ ≤ L_0 \sqrt{2ε/λ}",),
        r"A plan $(1 + t)π^*$ has the error $t$ at $ε/λ = t − ln (1 + t)$, which no multiple of the root bounds. What is true: $τ(ε/λ)$ (R7).", TRANSPORT,
        "f3-the-error-is-of-order-the-root-of-epsilon-over-lambda-for-every-plan", (BOUNDS,), "the error is of order √(ε/λ) for every plan"),
    "F4": Statement(
        r"Published, Theorem 4.2, and false, for $α = 1/L$ and $T < 2ΔL/σ^2$:",
        (r"\frac{1}{L} Σ_{t=1}^{T} \E‖∇h(θ_t)‖^2 ≤ \frac{2LΔ}{L} + δ^2 + σ^2",),
        r"Both $1/L$ must be $1/T$ (R8): as printed, an error $δ$ of the oracle adds up over the steps.", TRANSPORT, "f4-the-first-bullet-of-theorem-42", (),
        "the first bullet of Theorem 4.2"),
    "F5": Statement(
        r"Published, Lemma 4.3 read as a statement on all of $Θ$, and false:",
        (r"L_λ ≥ 0",),
        r"On the graph $K_{2,3}$ it is −.238 at $λ = 10$. What is true: the truth is stationary (R13).", TRANSPORT, "f5-the-sinkhorn-loss-is-never-negative",
        (BOUNDS,), "the Sinkhorn loss is never negative"),
    "F6": Statement(
        r"Published, section 4.1, and false for a distance $c$ that is not of negative type:",
        (r"lim_{λ→∞} L_λ = \text{MMD}^2 ≥ 0",),
        r"On the graph $K_{2,3}$ the limit is −1/3. What is true: $2\E c(X,Y) − \E c(X,X′) − \E c(Y,Y′)$, a squared MMD if $c$ is of negative type (R16).",
        TRANSPORT, "f6-the-limit-is-an-mmd-for-every-distance", (BOUNDS,), "the limit is an MMD for every distance"),
    "A1": Statement(
        r"For every input $x$, with open pieces $U_i(x)$ whose closures cover the parameters,",
        (r"T(·,x) ∈ C^2(U_i(x)) \text{ for all }i",),
        "The generator is piecewise twice continuously differentiable in its parameters.", AUDITED, "a1", title="piecewise smooth"),
    "A2": Statement(
        r"For every $R$ there is a $Λ_R$ such that, for $‖u‖, ‖v‖, ‖x‖, ‖y‖ ≤ R$,",
        (r"‖T(u,x) − T(v,y)‖ ≤ Λ_R (‖u − v‖ + ‖x − y‖)",),
        "The generator is Lipschitz on bounded sets, in parameters and input together.", AUDITED, "a2", title="Lipschitz on bounded sets"),
    "A3": Statement(
        "For some $M < ∞$, almost surely,",
        (r"‖x‖ ≤ M \text{ and }‖y‖ ≤ M",),
        "Inputs and targets are bounded.", AUDITED, "a3-and-a6", title="bounded supports"),
    "A4": Statement(
        "For every bounded set $K$ of inputs,",
        (r"sup_{u,x ∈ K} ‖T(u,x)‖ < ∞",),
        "The generator is bounded, whatever its parameters.", AUDITED, "a4", title="bounded generator"),
    "A5": Statement(
        r"For every bounded set $K$ of inputs, over the pieces of A1,",
        (r"sup_{u,x ∈ K} ‖∂_u^2 T(u,x)‖ < ∞",),
        "Second derivatives in the parameters are bounded on the pieces.", AUDITED, "a5", title="bounded second derivatives"),
    "A6": Statement(
        "For both laws, with finitely many atoms,",
        (r"μ = Σ_{i=1}^{N} p_i δ_{x_i}, p_i ≥ 0, Σ_{i=1}^{N} p_i = 1",),
        "The laws of inputs and targets are finite.", AUDITED, "a3-and-a6"),
    "A7": Statement(
        r"For every absolutely continuous curve $c$, almost every $s$, and every $v$ in the Clarke Jacobian of $T(·,x)$ at $c(s)$,",
        (r"\frac{d}{d s} T(c(s),x) = v c′(s)",),
        "The generator is path differentiable: the chain rule holds along curves, at kinks too.", AUDITED, "a7", title="path differentiable"),
}
