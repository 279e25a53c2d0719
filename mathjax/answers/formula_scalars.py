"""The scalar part of the parser of answers: sums, products, powers, functions and what they hold.

`^` is right-associative and above unary minus; standing side by side multiplies, at the level of
`*`. A call of anything but a known function is an error, never a value.
"""

from __future__ import annotations

from fractions import Fraction

from mathjax.answers import formulas as f
from mathjax.answers.formula_symbols import GREEK_NAMES
from mathjax.answers.formula_tokens import Token
from mathjax.answers.formulas import FormulaError, Node, Scalar
from mathjax.answers.token_reader import MAX_DEPTH, TokenReader

_SIGNS = ("+", "-", "+-", "pm", "mp")
_BEGIN_FACTORS = frozenset(
    "name constant function ( { frac sqrt binom vulgar radical radical3 radical4 lfloor "
    "lceil".split()
)
_TWO_ARGUMENTS = ("root", "binomial", "atan2")
_MANY_ARGUMENTS = ("max", "min")
OPENING = ("(", "[", "\\{")


class ScalarParser(TokenReader):
    """`_group`, `_bracketed` and `_environment` are the subclass's, for they hold statements."""

    def __init__(
        self,
        tokens: list[Token],
        declared: frozenset[str],
        mixed: bool,
        square: bool,
        sets: bool,
    ):
        super().__init__(tokens)
        self._declared, self._mixed, self._square = declared, mixed, square
        self._sets = sets
        self._bars = 0  # |...| that are open
        self._raising = False  # at the first number of an exponent

    def _scalar(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            raise FormulaError("parse", "a list, set or relation where a number belongs")
        return node

    def _sum(self) -> Node:
        self._enter()
        terms = []
        while not terms or self._kind in _SIGNS:
            signs = []
            while sign := self._take(*_SIGNS):
                if sign == "+-":  # -1 +- sqrt(6), but 2x+-3
                    glued = terms and self._tokens[self._at - 1].glued
                    signs += ["+", "-"] if glued and not self._sets else ["pm"]
                else:
                    signs.append(sign)
            if len(signs) > 3:
                raise FormulaError("parse", "more than three signs in a row")
            term = self._product()
            if terms:
                self._scalar(terms[0])
            for sign in reversed(signs[1:] if terms and signs[0] == "+" else signs):
                term = self._signed(sign, term)
            terms.append(term)
        self._depth -= 1
        return f.Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    def _signed(self, sign: str, node: Node) -> Scalar:
        node = self._scalar(node)
        if sign == "+":
            return node
        return f.Negative(node) if sign == "-" else f.PlusMinus(node, sign == "mp")

    def _product(self) -> Node:
        left = self._power()
        if not isinstance(left, Scalar):
            return left
        factors = [left]
        while True:
            if self._take("*"):
                factors.append(self._signed_power())
            elif self._take("/"):
                above = f.Product(tuple(factors)) if len(factors) > 1 else factors[0]
                factors = [f.Quotient(above, self._signed_power())]
            elif self._begins_factor():
                factors.append(self._scalar(self._power()))
            else:
                break
        node = f.Product(tuple(factors)) if len(factors) > 1 else factors[0]
        return self._with_unit(node)

    def _with_unit(self, node: Scalar) -> Scalar:
        """A unit behind a number, such as `\\text{ cm}^2`."""
        if self._kind != "unit":
            return node
        unit: Scalar = f.Name(f.UNIT + str(self._tokens[self._at].value))
        self._at += 1
        if self._kind in ("^", "superscript"):
            unit = self._raised(unit)
        return f.Product((node, unit))

    def _signed_power(self) -> Scalar:
        """A factor after `*` or `/`: may carry a sign, as in `3*-2`."""
        self._enter()
        sign = self._take("+", "-")
        node = self._signed_power() if sign else self._scalar(self._power())
        self._depth -= 1
        return f.Negative(node) if sign == "-" else node

    def _begins_factor(self) -> bool:
        """Whether a factor follows with no sign between."""
        token, before = self._tokens[self._at], self._tokens[self._at - 1]
        if token.kind in _BEGIN_FACTORS:
            return True
        if token.kind == "|":
            return self._bars == 0
        if token.kind == "[":
            return self._square
        if token.kind == "number":
            return before.kind in (")", "}", "]", "|", "!")
        return False

    def _power(self) -> Node:
        base = self._postfix()
        if not isinstance(base, Scalar):
            return base
        if self._kind == "^" or self._kind == "superscript":
            return self._raised(base)
        return base

    def _raised(self, base: Scalar) -> Scalar:
        if self._take("superscript"):
            exponent = self._scalar(self._sum())
            self._need("superscript_end")
        else:
            self._need("^")
            if self._take("degree"):
                return self._degree(base)
            if self._kind == "{" and self._tokens[self._at + 1].kind == "degree":
                self._at += 2
                self._need("}")
                return self._degree(base)
            exponent = self._exponent()
        return f.Power(base, exponent)

    def _degree(self, base: Scalar) -> Scalar:
        return f.Call("degree", (base,))

    def _exponent(self) -> Scalar:
        self._enter()
        sign = self._take("+", "-")
        self._raising = True  # 2^3\\frac{1}{2} is no power of a mixed number
        node = self._exponent() if sign else self._scalar(self._power())
        self._raising = False
        self._depth -= 1
        return f.Negative(node) if sign == "-" else node

    def _postfix(self) -> Node:
        node = self._atom()
        start = self._at
        while isinstance(node, Scalar):
            if self._at - start > MAX_DEPTH:
                raise FormulaError("limit", f"more than {MAX_DEPTH} signs behind a value")
            if self._take("!"):
                node = f.Call("factorial", (node,))
            elif self._take("%"):
                node = f.Call("percent", (node,))
            elif self._take("degree"):
                node = self._degree(node)
            else:
                break
        return node

    def _atom(self) -> Node:
        token = self._tokens[self._at]
        kind = token.kind
        if kind in OPENING:
            return self._bracketed(kind)
        self._at += 1
        match kind:
            case "number":
                return self._number(token)
            case "vulgar":
                return f.Number(token.value)
            case "name":
                if self._kind == "(" and self._is_call(token.value):
                    raise FormulaError("parse", f"{token.value[:30]!r} is no known function")
                return f.Name(token.value)
            case "unit":
                word = str(token.value)  # `\\text{(C)}` is C
                return f.Name(word[1:-1] if word[0] + word[-1] == "()" else word)
            case "constant":
                return f.Constant(token.value)
            case "oo":
                return f.Constant("oo")
            case "reals" | "empty":
                return f.Whole(kind)
            case "function":
                return self._call(token.value)
            case "{":
                return self._group()
            case "frac":
                above = self._argument()
                return f.Quotient(above, self._argument())
            case "binom":
                above = self._argument()
                return f.Call("binomial", (above, self._argument()))
            case "sqrt":
                return self._root()
            case "radical" | "radical3" | "radical4":
                index = {"radical": 2, "radical3": 3, "radical4": 4}[kind]
                self._enter()
                inner = self._scalar(self._postfix())
                self._depth -= 1
                return f.Root(inner, index)
            case "|":
                return self._absolute()
            case "lfloor" | "lceil":
                inner = self._scalar(self._sum())
                self._need("r" + kind[1:])
                return f.Call(kind[1:], (inner,))
            case "begin":
                return self._environment(token.value)
        self._at -= 1
        raise self._unexpected()

    def _is_call(self, name: str) -> bool:
        """`area(3)` calls what nobody knows; `x(3)` and declared names multiply."""
        known = name in self._declared or name in GREEK_NAMES or len(name) == 1
        return not known and name.isalpha() and self._tokens[self._at].glued

    def _number(self, token: Token) -> Scalar:
        number = f.Number(token.value, isinstance(token.value, Fraction))
        if not isinstance(token.value, int):
            return number
        following = self._tokens[self._at]
        if following.kind == "vulgar":
            self._at += 1
            return f.Sum((number, f.Number(following.value)))
        if (
            following.kind == "frac"
            and not self._raising
            and (fraction := self._literal_fraction())
        ):
            return f.Sum((number, fraction))
        if self._mixed and following.kind == "number" and not following.glued:
            above, bar, below = self._tokens[self._at : self._at + 3]
            if bar.kind == "/" and below.kind == "number" and _proper(above.value, below.value):
                self._at += 3
                return f.Sum((number, f.Quotient(f.Number(above.value), f.Number(below.value))))
        return number

    def _literal_fraction(self) -> Scalar | None:
        """The fraction of a mixed number, `\\frac` of two integers; the cursor then behind it."""
        tokens, at, parts = self._tokens, self._at + 1, []
        while len(parts) < 2:
            braced = tokens[at].kind == "{"
            number = tokens[at + braced]
            if number.kind != "number" or not isinstance(number.value, int):
                return None
            if braced:
                if tokens[at + 2].kind != "}":
                    return None
                parts.append(number.value)
                at += 3
            elif number.value < 10:
                parts.append(number.value)
                at += 1
            elif number.value < 100 and not parts:  # \\frac12
                parts += divmod(number.value, 10)
                at += 1
            else:
                return None
        self._at = at
        return f.Quotient(f.Number(parts[0]), f.Number(parts[1]))

    def _argument(self) -> Scalar:
        """`{...}`, or one letter, digit or command, as TeX takes it."""
        if self._take("{"):
            self._enter()
            node = self._scalar(self._sum())
            self._depth -= 1
            self._need("}")
            return node
        token = self._tokens[self._at]
        if token.kind == "number" and isinstance(token.value, int) and token.value > 9:
            first, rest = str(token.value)[0], str(token.value)[1:]
            self._tokens[self._at] = token._replace(value=int(rest), glued=True)
            return f.Number(int(first))
        self._enter()
        node = self._scalar(self._atom())
        self._depth -= 1
        return node

    def _root(self) -> Scalar:
        index = 2
        if self._take("["):
            degree = self._scalar(self._sum())
            self._need("]")
            if not isinstance(degree, f.Number) or not isinstance(degree.value, int):
                inner = self._argument()
                return f.Power(inner, f.Quotient(f.Number(1), degree))
            index = degree.value
        if not 2 <= index <= 1000:
            raise FormulaError("limit", "a root of an order that is not between 2 and 1000")
        return f.Root(self._argument(), index)

    def _absolute(self) -> Scalar:
        self._bars += 1
        inner = self._scalar(self._sum())
        self._bars -= 1
        self._need("|")
        return f.Call("abs", (inner,))

    def _call(self, function: str) -> Scalar:
        self._enter()
        base = power = None
        if function in ("log2", "log10"):
            base, function = f.Number(int(function[3:])), "log"
        if self._take("index"):
            token = self._tokens[self._at]
            if token.kind == "number":
                self._at += 1
                base = f.Number(token.value)
            else:
                base = self._argument()
        if self._kind == "^":
            self._at += 1
            power = self._exponent() if self._kind != "{" else self._argument()
        elif self._kind == "superscript":
            self._at += 1
            power = self._scalar(self._sum())
            self._need("superscript_end")
        if self._kind == "(":
            arguments = self._arguments()
        elif self._kind == "{":
            arguments = (self._argument(),)
        elif function in ("log", "exp", "sqrt", "cbrt") or function not in _MANY_ARGUMENTS:
            arguments = (self._bare_argument(),)
        else:
            raise self._unexpected()
        self._depth -= 1
        return self._applied(function, arguments, base, power)

    def _arguments(self) -> tuple[Scalar, ...]:
        self._need("(")
        arguments = [self._scalar(self._sum())]
        while self._take(","):
            arguments.append(self._scalar(self._sum()))
        self._need(")")
        return tuple(arguments)

    def _bare_argument(self) -> Scalar:
        """`sin 2x`: all factors that stand side by side, no function among them."""
        self._unsigned()
        factors = [self._scalar(self._power())]
        while self._begins_factor() and self._kind not in ("function", "(", "|"):
            factors.append(self._scalar(self._power()))
        return f.Product(tuple(factors)) if len(factors) > 1 else factors[0]

    def _unsigned(self) -> None:
        if self._kind in _SIGNS:
            raise FormulaError("parse", "a function of a signed value needs brackets")

    def _applied(
        self,
        function: str,
        arguments: tuple[Scalar, ...],
        base: Scalar | None,
        power: Scalar | None,
    ) -> Scalar:
        wanted = 2 if function in _TWO_ARGUMENTS else 1
        if function == "log" and base is None and len(arguments) == 2:
            arguments, base = arguments[:1], arguments[1]
        if function not in _MANY_ARGUMENTS and len(arguments) != wanted:
            raise FormulaError("parse", f"{function} takes {wanted} argument(s)")
        if function in ("sqrt", "cbrt"):
            node: Scalar = f.Root(arguments[0], 2 if function == "sqrt" else 3)
        elif function == "root":
            inner, degree = arguments
            whole = isinstance(degree, f.Number) and isinstance(degree.value, int)
            if whole and 2 <= degree.value <= 1000:
                node = f.Root(inner, degree.value)
            else:
                node = f.Power(inner, f.Quotient(f.Number(1), degree))
        elif function == "exp":
            node = f.Power(f.Constant("e"), arguments[0])
        else:
            if base is not None:
                arguments = (*arguments, base)
            inverse = power == f.Negative(f.Number(1)) and function in (
                "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth",
            )  # fmt: skip
            if inverse:
                return f.Call("a" + function, arguments)
            node = f.Call(function, arguments)
        return node if power is None else f.Power(node, power)

    def _group(self) -> Node:
        raise NotImplementedError

    def _bracketed(self, opening: str) -> Node:
        raise NotImplementedError

    def _environment(self, kind: str) -> Node:
        raise NotImplementedError


def _proper(above: object, below: object) -> bool:
    return isinstance(above, int) and isinstance(below, int) and 0 < above < below
