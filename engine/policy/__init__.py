"""Policy bundles and the engines that evaluate them."""
