import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";

import { ApiError, onSessionOver } from "./api/http";
import { sessionQuery } from "./api/session";
import { router } from "./router";
import { Loading } from "./shell/parts";
import { ThemeProvider } from "./shell/theme";
import "./styles.css";
import { TextsProvider } from "./texts/texts";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What was refused stays refused; a lost connection may come back.
      retry: (count, error) => !(error instanceof ApiError && error.status < 500) && count < 2,
      refetchOnWindowFocus: false,
    },
  },
});
onSessionOver(() => void client.invalidateQueries({ queryKey: sessionQuery.queryKey }));

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <TextsProvider>
      <ThemeProvider>
        <QueryClientProvider client={client}>
          <Suspense fallback={<Loading />}>
            <RouterProvider router={router} />
          </Suspense>
        </QueryClientProvider>
      </ThemeProvider>
    </TextsProvider>
  </StrictMode>,
);
