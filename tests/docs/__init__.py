"""The rules' pages: what they must be like, and ``docs/rules``, which is made from them."""
