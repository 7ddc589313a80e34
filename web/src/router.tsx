// The pages and their addresses. What the first page does not need is loaded when it is gone to.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  Outlet,
  useLocation,
} from "@tanstack/react-router";

import { useSession } from "./api/session";
import { FirstRun } from "./pages/FirstRun";
import { Instances } from "./pages/Instances";
import { SignIn } from "./pages/SignIn";
import { Empty } from "./shell/parts";
import { Shell } from "./shell/Shell";
import { useTexts } from "./texts/texts";

// Pages that nobody has to be signed in for. What a guest may see of the developer portal is the data API's to say.
const openPages = /^\/(first-run|sign-in|developer)(\/|$)/;

function Root() {
  const { t } = useTexts();
  const session = useSession();
  const path = useLocation({ select: (location) => location.pathname });
  const content = () => {
    if (openPages.test(path)) return <Outlet />;
    if (!session.signedIn) return session.firstRun ? <FirstRun /> : <SignIn stay />;
    if (session.role !== "administrator" && path !== "/account")
      return (
        <Empty title={t("shell.administrators")}>
          <p>{t("shell.administratorsHint")}</p>
          <Link to="/developer">{t("area.developer")}</Link>
        </Empty>
      );
    return <Outlet />;
  };
  return <Shell>{content()}</Shell>;
}

function NotFound() {
  const { t } = useTexts();
  return (
    <Empty title={t("shell.notFound")}>
      <Link to="/">{t("shell.home")}</Link>
    </Empty>
  );
}

const root = createRootRoute({ component: Root, notFoundComponent: NotFound });
const studioFrame = () => import("./studio/StudioFrame");
const help = () => import("./studio/HelpPages");

const studio = createRoute({
  getParentRoute: () => root,
  path: "/studio/$workspace",
  component: lazyRouteComponent(studioFrame, "StudioFrame"),
});

const account = () => import("./people/Account");
const groups = () => import("./people/Groups");
const notifications = () => import("./people/Notifications");

const frame = () => import("./publisher/PublisherFrame");
const products = () => import("./publisher/Products");
const publisher = createRoute({
  getParentRoute: () => root,
  path: "/publisher/$service",
  component: lazyRouteComponent(frame, "PublisherFrame"),
});

const developerFrame = () => import("./developer/DeveloperFrame");
const developerApis = () => import("./developer/Apis");
const developerProducts = () => import("./developer/Products");
const developer = createRoute({
  getParentRoute: () => root,
  path: "/developer/$service",
  component: lazyRouteComponent(developerFrame, "DeveloperFrame"),
});
const developerRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: "/developer",
    component: lazyRouteComponent(developerFrame, "DeveloperStart"),
  }),
  developer.addChildren([
    createRoute({
      getParentRoute: () => developer,
      path: "/",
      component: lazyRouteComponent(() => import("./developer/Home"), "Home"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/apis",
      component: lazyRouteComponent(developerApis, "Apis"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/apis/$api",
      component: lazyRouteComponent(developerApis, "ApiPage"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/apis/$api/operations/$operation",
      component: lazyRouteComponent(() => import("./developer/OperationPage"), "OperationPage"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/products",
      component: lazyRouteComponent(developerProducts, "Products"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/products/$product",
      component: lazyRouteComponent(developerProducts, "ProductPage"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/profile",
      component: lazyRouteComponent(() => import("./developer/Profile"), "Profile"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/usage",
      component: lazyRouteComponent(() => import("./developer/Usage"), "Usage"),
    }),
    createRoute({
      getParentRoute: () => developer,
      path: "/sign-in",
      component: lazyRouteComponent(developerFrame, "DeveloperSignIn"),
    }),
  ]),
] as const;

const routes = root.addChildren([
  ...developerRoutes,
  createRoute({ getParentRoute: () => root, path: "/", component: Instances }),
  createRoute({ getParentRoute: () => root, path: "/first-run", component: FirstRun }),
  createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignIn }),
  createRoute({
    getParentRoute: () => root,
    path: "/studio",
    component: lazyRouteComponent(studioFrame, "StudioStart"),
  }),
  studio.addChildren([
    createRoute({
      getParentRoute: () => studio,
      path: "/experiments",
      component: lazyRouteComponent(() => import("./studio/Experiments"), "Experiments"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/experiments/$experiment",
      component: lazyRouteComponent(() => import("./studio/ExperimentPage"), "ExperimentPage"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/datasets",
      component: lazyRouteComponent(() => import("./studio/Datasets"), "Datasets"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/webservices",
      component: lazyRouteComponent(() => import("./studio/WebServices"), "WebServices"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/webservices/$service",
      component: lazyRouteComponent(() => import("./studio/WebServicePage"), "WebServicePage"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/webservices/$service/score",
      component: lazyRouteComponent(help, "ScoreHelp"),
    }),
    createRoute({
      getParentRoute: () => studio,
      path: "/webservices/$service/jobs",
      component: lazyRouteComponent(help, "BatchHelp"),
    }),
  ]),
  createRoute({
    getParentRoute: () => root,
    path: "/account",
    component: lazyRouteComponent(account, "AccountPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/developer/$service/signup",
    component: lazyRouteComponent(account, "SignUp"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/developer/$service/confirm",
    component: lazyRouteComponent(account, "ConfirmSignUp"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/developer/$service/reset-password",
    component: lazyRouteComponent(account, "ResetPassword"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/developer/$service/invitation",
    component: lazyRouteComponent(account, "AcceptInvitation"),
  }),
  publisher.addChildren([
    createRoute({
      getParentRoute: () => publisher,
      path: "/",
      component: lazyRouteComponent(frame, "PublisherStart"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/dashboard",
      component: lazyRouteComponent(() => import("./publisher/Dashboard"), "Dashboard"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/apis",
      component: lazyRouteComponent(() => import("./publisher/Apis"), "Apis"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/apis/$api",
      component: lazyRouteComponent(() => import("./publisher/ApiPage"), "ApiPage"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/products",
      component: lazyRouteComponent(products, "Products"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/products/$product",
      component: lazyRouteComponent(products, "ProductPage"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/policies",
      component: lazyRouteComponent(() => import("./publisher/Policies"), "Policies"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/subscriptions",
      component: lazyRouteComponent(() => import("./publisher/Subscriptions"), "Subscriptions"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/users",
      component: lazyRouteComponent(() => import("./people/Users"), "Users"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/groups",
      component: lazyRouteComponent(groups, "Groups"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/groups/$group",
      component: lazyRouteComponent(groups, "GroupPage"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/notifications",
      component: lazyRouteComponent(notifications, "NotificationRecipients"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/notifications/templates",
      component: lazyRouteComponent(notifications, "Templates"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/notifications/templates/$template",
      component: lazyRouteComponent(notifications, "TemplatePage"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/notifications/outbox",
      component: lazyRouteComponent(notifications, "OutboxPage"),
    }),
    createRoute({
      getParentRoute: () => publisher,
      path: "/settings",
      component: lazyRouteComponent(() => import("./people/Settings"), "InstanceSettings"),
    }),
  ]),
]);

export const router = createRouter({ routeTree: routes, defaultPreload: "intent" });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
