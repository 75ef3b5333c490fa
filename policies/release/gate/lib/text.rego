package gate.lib

# Text in one case: only the letters A to Z change, since engines disagree on others ("İ", "ß", a final "Σ").

lower_case(text) := strings.replace_n(
	{
		"A": "a", "B": "b", "C": "c", "D": "d", "E": "e", "F": "f", "G": "g",
		"H": "h", "I": "i", "J": "j", "K": "k", "L": "l", "M": "m", "N": "n",
		"O": "o", "P": "p", "Q": "q", "R": "r", "S": "s", "T": "t", "U": "u",
		"V": "v", "W": "w", "X": "x", "Y": "y", "Z": "z",
	},
	text,
)

upper_case(text) := strings.replace_n(
	{
		"a": "A", "b": "B", "c": "C", "d": "D", "e": "E", "f": "F", "g": "G",
		"h": "H", "i": "I", "j": "J", "k": "K", "l": "L", "m": "M", "n": "N",
		"o": "O", "p": "P", "q": "Q", "r": "R", "s": "S", "t": "T", "u": "U",
		"v": "V", "w": "W", "x": "X", "y": "Y", "z": "Z",
	},
	text,
)
